import { appendFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CodexServer } from './codex-server.js';
import { GRACE_MS, HostedRun } from './hosted-run.js';
import type { HostAnswer, HostedJob, HostRequest } from './messages.js';

export interface HostPlan {
  /** Holds the files of the host's own process. */
  directory: string;
  /** The app-server's home of Codex. */
  serverHome: string;
  /** The app-server. */
  command: readonly [string, ...string[]];
  limits?: HostLimits;
}

export interface HostLimits {
  /**
   * Threads of the app-server at once, and what is lost when it crashes. Each takes about 2 MiB, the app-server itself
   * with all that a burst of starts leaves in it 40 to 100.
   */
  runs: number;
  /** What ended threads leave in it is little, but nobody bounds it: it is replaced after this many. */
  turns: number;
}

const LIMITS: HostLimits = { runs: 128, turns: 500 };
/** After this time a host takes no more jobs; the longest of those it has may run another week. */
const MOST_AGE_MS = 24 * 60 * 60_000;
const IDLE_MS = 15_000;
const LOOK_MS = 1_000;
/** Standard error of an app-server that is kept to tell why it did not come up. */
const MOST_SAID = 50;

const SANDBOX_WORDS = /bwrap|bubblewrap|codex-linux-sandbox|PATH aliases/;

/** Runs attempts of many jobs in the threads of one `codex app-server`. Ends with it, and when it is idle. */
export class Host {
  /** Resolves with the exit status of the host when it has nothing more to do. */
  readonly ended: Promise<number>;
  readonly #plan: Required<HostPlan>;
  readonly #server: CodexServer;
  readonly #up: Promise<void>;
  readonly #runs = new Map<string, HostedRun>();
  readonly #said: string[] = [];
  readonly #startedAt = performance.now();
  #turns = 0;
  #isUp = false;
  #idleSince = performance.now();
  #leaving = false;

  constructor(plan: HostPlan) {
    // Codex tells its rollouts by their real paths, and a state directory may lie below a link.
    this.#plan = { limits: LIMITS, ...plan, serverHome: realpathSync(plan.serverHome) };
    let broke: (status: number) => void = () => undefined;
    const broken = new Promise<number>((resolve) => {
      broke = resolve;
    });
    this.#server = new CodexServer(plan.command, {
      said: (line) => this.#serverSaid(line),
      broken: () => broke(1),
    });
    this.#up = this.#server.initialize().then(() => {
      this.#isUp = true;
    });
    this.#up.catch(() => broke(1));
    this.ended = Promise.race([broken, this.#server.ended.then((status) => this.#serverEnded(status))]);
    const looking = setInterval(() => this.#look(), LOOK_MS);
    void this.ended.then(() => clearInterval(looking));
  }

  async answer(request: HostRequest): Promise<HostAnswer> {
    if (request.type === 'take') return { taken: await this.#take(request.job) };
    const run = this.#runs.get(request.directory);
    run?.stop(request.graceMs);
    return { taken: run !== undefined };
  }

  async #take(job: HostedJob): Promise<boolean> {
    if (!this.#hasRoom() || this.#hasThread(job.threadId)) return false;
    try {
      // Whoever makes it starts the attempt; where it is there, the attempt's files tell who did.
      writeFileSync(job.files.claim, '', { flag: 'wx', mode: 0o600 });
    } catch (problem) {
      return (problem as NodeJS.ErrnoException).code === 'EEXIST';
    }
    try {
      await this.#begin(job);
      return true;
    } catch {
      // For want of disk or files: another host, or this one later, may take it yet.
      this.#runs.delete(job.files.directory);
      rmSync(job.files.claim, { force: true });
      return false;
    }
  }

  async #begin(job: HostedJob): Promise<void> {
    const run = new HostedRun(job, this.#server, this.#plan.serverHome);
    this.#turns += 1;
    this.#runs.set(job.files.directory, run);
    await this.#sign(job);
    void this.#run(run);
  }

  /** Ends the app-server, and with it the host. */
  leave(): void {
    this.#leaving = true;
    this.#server.close();
  }

  #hasRoom(): boolean {
    return !this.#leaving && !this.#isWornOut() && this.#runs.size < this.#plan.limits.runs;
  }

  #isWornOut(): boolean {
    return this.#turns >= this.#plan.limits.turns || performance.now() - this.#startedAt >= MOST_AGE_MS;
  }

  /** Jobs may go on from the same one; an app-server would take them for the same conversation. */
  #hasThread(threadId: string | null): boolean {
    return threadId !== null && [...this.#runs.values()].some(({ job }) => job.threadId === threadId);
  }

  /** Names the host in the attempt's files as the process that runs it: a file like the launcher's, and one line more. */
  async #sign({ files }: HostedJob): Promise<void> {
    const own = await this.#ownProcess();
    await writeFile(`${files.process}.new`, `${own}${this.#plan.directory}\n`, { mode: 0o600 });
    await rename(`${files.process}.new`, files.process);
  }

  /** The launcher writes it as soon as it has started the host; whole with the line break at its end. */
  async #ownProcess(): Promise<string> {
    for (;;) {
      const text = await readFile(join(this.#plan.directory, 'process'), 'utf8').catch(() => '');
      if (text.endsWith('\n')) return text;
      await delay(10);
    }
  }

  async #run(run: HostedRun): Promise<void> {
    await this.#up;
    await run.run();
    this.#runs.delete(run.job.files.directory);
    this.#idleSince = performance.now();
  }

  #look(): void {
    for (const run of this.#runs.values()) if (Date.now() >= run.job.deadlineAt) run.stop(GRACE_MS);
    const isIdle = performance.now() - this.#idleSince >= IDLE_MS;
    if (this.#runs.size === 0 && (this.#isWornOut() || isIdle)) this.leave();
  }

  #serverSaid(line: string): void {
    if (this.#said.length < MOST_SAID) this.#said.push(line);
    if (SANDBOX_WORDS.test(line)) for (const run of this.#runs.values()) run.sandboxComplained(line);
  }

  /**
   * One that came up and then crashed takes the host with it: its jobs are found without a status, and go on in
   * another. One that never came up tells its jobs why.
   */
  async #serverEnded(status: number): Promise<number> {
    for (const line of this.#said) appendFileSync(join(this.#plan.directory, 'stderr'), `${line}\n`);
    if (this.#leaving) return 0;
    if (this.#isUp) return 1;
    this.#leaving = true;
    await Promise.all([...this.#runs.values()].map((run) => run.neverBegan(status || 1, this.#said)));
    return 1;
  }
}
