import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openWire } from '../fuzz/wire.js';
import { Figures } from '../simulation/figures.js';
import { Random } from '../simulation/random.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';
import { type Accepted, findFault } from './account.js';
import { type Behaviour, behaviours, makeAgent } from './agent.js';
import { fingerprint } from './fingerprint.js';
import { holdersOf, leftovers } from './processes.js';

export interface ChaosReport {
  seed: number;
  /** What was injected and what came of it, counted. */
  figures: Record<string, number>;
  /** Each promise that did not hold; empty if all did. */
  broken: string[];
}

const names = Object.keys(behaviours) as [Behaviour, ...Behaviour[]];
/** More than this many jobs unsettled, and the submitter waits. */
const BACKLOG = 12;
const DEADLINE_SECONDS = 8;
/** Long enough for a full queue of agents that all run to their deadline. */
const REST_MS = 90_000;

/** A real daemon with misbehaving agents, under faults drawn from a seed. */
class Chaos {
  readonly figures = new Figures();
  readonly broken: string[] = [];
  readonly #accepted: Accepted[] = [];
  readonly #random: Random;
  #keys = 0;
  #over = false;

  constructor(
    readonly offshoot: Offshoot,
    readonly seed: number,
  ) {
    this.#random = new Random(seed);
  }

  async run(milliseconds: number): Promise<void> {
    const before = await fingerprint(this.offshoot.repository);
    const loops = [
      this.#loop(this.#submit, 150),
      this.#loop(this.#client, 400),
      this.#loop(this.#fault, 1_500),
    ];
    await delay(milliseconds);
    this.#over = true;
    await Promise.all(loops);
    await this.#comeToRest();
    if ((await fingerprint(this.offshoot.repository)) !== before)
      this.broken.push("the caller's repository has changed");
  }

  /** Does something over and over, in random steps, until the time is over. */
  async #loop(act: () => Promise<void>, longestPause: number): Promise<void> {
    while (!this.#over) {
      await act.call(this);
      await delay(this.#random.between(1, longestPause));
    }
  }

  /** What the operation answered; null when the daemon was not there, or refused. */
  async #try(operation: string, input: object) {
    try {
      return await this.offshoot.call(operation, input);
    } catch (problem) {
      const code = String(problem).split(': ')[2] ?? 'unknown';
      this.figures.count(`answered ${code}`);
      return null;
    }
  }

  async #submit(): Promise<void> {
    const status = await this.#try('codex_status', {});
    if (status === null || this.#accepted.length - this.#settledOf(status) > BACKLOG) return;
    const behaviour = this.#random.pick(names);
    this.#keys += 1;
    const input = {
      task: behaviour,
      workspace_root: this.offshoot.repository,
      deadline_seconds: DEADLINE_SECONDS,
      idempotency_key: `chaos-${this.#keys}`,
    };
    // Until it is acknowledged: the key makes the job one, however often it takes.
    for (;;) {
      const answer = await this.#try('codex_delegate_async', input);
      if (answer !== null) {
        this.figures.count('jobs accepted').count(`agent ${behaviour}`);
        this.#accepted.push({ id: answer.job_id, behaviour, taken: false });
        return;
      }
      await delay(100);
    }
  }

  /** How many of the accepted jobs have ended: those of the counts, and those that are consumed. */
  // biome-ignore lint/suspicious/noExplicitAny: the answer of codex_status.
  #settledOf({ jobs }: any): number {
    const { done = 0, failed = 0, cancelled = 0, expired = 0 } = jobs;
    return done + failed + cancelled + expired + this.#accepted.filter(({ taken }) => taken).length;
  }

  async #client(): Promise<void> {
    const acts = [this.#cancel, this.#consume, this.#readSlowly, this.#crowd] as const;
    await this.#random.pick(acts).call(this);
  }

  #anyJob(): Accepted | undefined {
    const recent = this.#accepted.slice(-20);
    return recent[this.#random.between(0, recent.length - 1)];
  }

  async #cancel(): Promise<void> {
    const job = this.#anyJob();
    if (job === undefined || job.taken) return;
    if ((await this.#try('codex_job_cancel', { job_id: job.id })) !== null) this.figures.count('cancel');
  }

  async #consume(): Promise<void> {
    const job = this.#anyJob();
    if (job === undefined || job.taken) return;
    const status = await this.#try('codex_job_status', { job_id: job.id });
    if (status === null || status.poll_after_ms !== null) return;
    job.taken = true;
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await this.#try('codex_job_consume_result', { job_id: job.id, ...(cursor && { cursor }) });
      if (page === null) return;
      cursor = page.next_cursor;
    }
    this.figures.count('consumed');
  }

  /** A client that asks much and reads nothing. */
  async #readSlowly(): Promise<void> {
    const wire = await openWire(this.offshoot.stateDir, 'operations').catch(() => null);
    if (wire === null) return;
    this.figures.count('slow client');
    wire.pause();
    for (let id = 1; id <= 200; id += 1) wire.send(`{"id":${id},"operation":"codex_job_list","input":{}}`);
    await delay(200);
    wire.close();
  }

  async #crowd(): Promise<void> {
    const wires = await Promise.all(
      Array.from({ length: 20 }, () => openWire(this.offshoot.stateDir, 'operations').catch(() => null)),
    );
    this.figures.count('crowd of clients');
    await Promise.all(wires.map((wire) => wire?.ask(1, '{"id":1,"operation":"codex_status","input":{}}')));
    for (const wire of wires) wire?.close();
  }

  async #fault(): Promise<void> {
    if (this.#random.chance(0.4)) return this.#killDaemon();
    const running = await Promise.all(
      this.#accepted.slice(-20).map(({ id }) => holdersOf(this.offshoot.stateDir, id)),
    );
    const [holders = []] = running.filter((pids) => pids.length > 0);
    const which = this.#random.between(0, holders.length - 1);
    const pid = holders[which];
    if (pid === undefined) return;
    try {
      process.kill(pid, 'SIGKILL');
      this.figures.count(which === 0 ? "kill -9 of an agent's keeper" : "kill -9 of an agent's supervisor");
    } catch {
      // It ended by itself in the meantime.
    }
  }

  async #killDaemon(): Promise<void> {
    await this.offshoot.kill();
    this.figures.count('kill -9 of the daemon');
    await delay(this.#random.between(0, 500));
    await this.offshoot.start();
  }

  async #comeToRest(): Promise<void> {
    const waiting = new AbortController();
    const tooLate = delay(REST_MS, 'too late', { signal: waiting.signal }).catch(() => null);
    for (const job of this.#accepted) {
      const fault = await Promise.race([findFault(this.offshoot, job), tooLate]);
      if (fault !== null) this.broken.push(`${job.behaviour} job ${job.id}: ${fault}`);
    }
    waiting.abort();
    const { jobs } = await this.offshoot.call('codex_status');
    for (const [state, many] of Object.entries(jobs)) this.figures.count(`kept as ${state}`, Number(many));
    const processes = await leftovers(this.offshoot.root);
    if (processes.length > 0) this.broken.push(`${processes.length} processes are left`);
    const slots = await this.offshoot.slots();
    if (slots.length > 0) this.broken.push(`${slots.length} slots are in use`);
  }
}

/** Lets chaos reign for a while, then waits until all has come to rest and looks at what held. */
export async function runChaos(seed: number, milliseconds: number): Promise<ChaosReport> {
  const environment: Record<string, string> = {
    OFFSHOOT_BACKEND: 'command',
    OFFSHOOT_MAX_RUNNING: '4',
    OFFSHOOT_WARM_SLOTS: '0',
    OFFSHOOT_LOG_LEVEL: 'error',
  };
  const offshoot = await makeOffshoot({ environment });
  try {
    // The daemon gets this very object when it starts.
    offshoot.environment.OFFSHOOT_COMMAND = await makeAgent(offshoot.root);
    await writeFile(join(offshoot.repository, 'a.txt'), 'changed, and not committed\n');
    await offshoot.start();
    const chaos = new Chaos(offshoot, seed);
    await chaos.run(milliseconds);
    return { seed, figures: chaos.figures.counts, broken: chaos.broken };
  } finally {
    await offshoot.remove();
  }
}
