import type { SubmitRequest } from '../../src/job/supervisor.js';
import { request } from '../support/house.js';
import type { Figures } from './figures.js';
import type { Life } from './life.js';
import type { Promises } from './promises.js';
import type { Random } from './random.js';
import type { Timeline } from './timeline.js';

/** What clients need of the world. */
export interface ClientsNeeds {
  timeline: Timeline;
  random: Random;
  promises: Promises;
  figures: Figures;
  /** The daemon that serves now; null while there is none. */
  life(): Life | null;
  /** How many jobs shall be accepted in all. */
  jobs: number;
  repositories: number;
  /** How long a client rests between two calls, at most, in milliseconds. */
  longestPause: number;
}

const CLIENTS = 4;
const AGAIN_MS = 1_500;

/** Those who submit, wait, cancel and consume, each at its own pace, and call again when nobody answered. */
export class Clients {
  /** Keys of earlier submissions with what they were submitted with. */
  readonly #keyed: SubmitRequest[] = [];
  readonly #needs: ClientsNeeds;
  /** What to do when the daemon dies: its answers will never come. */
  #unanswered = new Set<() => void>();
  #working = CLIENTS;
  #tasks = 0;

  constructor(needs: ClientsNeeds) {
    this.#needs = needs;
    for (let client = 0; client < CLIENTS; client += 1) this.#soon(() => this.#submit(this.#batch()));
  }

  /** True once every client has submitted all it wanted. */
  get finished(): boolean {
    return this.#working === 0;
  }

  daemonDied(): void {
    const calls = this.#unanswered;
    this.#unanswered = new Set();
    for (const again of calls) again();
  }

  #soon(what: () => void, longest = this.#needs.longestPause): void {
    this.#needs.timeline.after(this.#needs.random.between(1, longest), what);
  }

  #next(): void {
    if (this.#needs.promises.jobs.size >= this.#needs.jobs) this.#working -= 1;
    else this.#soon(() => this.#submit(this.#batch()));
  }

  #batch(): SubmitRequest[] {
    const { random } = this.#needs;
    const size = random.chance(0.9) ? 1 : random.between(2, 5);
    const batch = Array.from({ length: size }, () => this.#request());
    const keys = batch.flatMap(({ submission }) => submission.idempotencyKey ?? []);
    return new Set(keys).size === keys.length ? batch : batch.slice(0, 1);
  }

  #request(): SubmitRequest {
    const { random, repositories } = this.#needs;
    const earlier = this.#keyed[random.between(0, this.#keyed.length - 1)];
    if (earlier !== undefined && random.chance(0.08)) {
      if (random.chance(0.8)) return earlier;
      return { ...earlier, argumentsHash: 'other' };
    }
    this.#tasks += 1;
    const fresh = request(
      {
        repository: `/${random.between(1, repositories)}`,
        deadlineSeconds: random.pick([2, 10, 60]),
        idempotencyKey: random.chance(0.3) ? `key-${this.#tasks}` : null,
      },
      `task ${this.#tasks}`,
    );
    if (fresh.submission.idempotencyKey !== null) this.#keyed.push(fresh);
    return fresh;
  }

  /** Asks the daemon; a daemon that is not there, or dies before it answers, leads to `again`. */
  #ask(what: (supervisor: NonNullable<Life['supervisor']>) => Promise<void>, again: () => void): void {
    const supervisor = this.#needs.life()?.supervisor;
    if (supervisor == null) {
      this.#needs.timeline.after(AGAIN_MS, again);
      return;
    }
    const lost = () => this.#needs.timeline.after(AGAIN_MS, again);
    this.#unanswered.add(lost);
    void what(supervisor).finally(() => this.#unanswered.delete(lost));
  }

  #submit(batch: SubmitRequest[]): void {
    const again = () => this.#submit(batch);
    this.#ask(async (supervisor) => {
      const { promises, figures, timeline } = this.#needs;
      const outcome = await supervisor.submit(batch);
      if (!outcome.ok) {
        const { code } = outcome.fault;
        figures.count(`refused ${code}`);
        promises.note(code, null);
        if (code.startsWith('idempotency')) {
          this.#checkRefusedKey(batch, code);
          this.#next();
        } else timeline.after(AGAIN_MS, again);
        return;
      }
      for (const [index, { record, replayed }] of outcome.value.entries()) {
        promises.acknowledged(record.id);
        const key = batch[index]?.submission.idempotencyKey ?? null;
        if (key !== null) {
          const owner = promises.ownerOf(key)?.record.id;
          promises.hold(owner === undefined || owner === record.id, 'a key answers its job');
        }
        if (replayed) figures.count('replayed');
        else this.#follow(record.id);
      }
      this.#next();
    }, again);
  }

  #checkRefusedKey(batch: readonly SubmitRequest[], code: string): void {
    const { promises } = this.#needs;
    // A key may be known a little longer than it must be.
    const reason = batch.some(({ submission: { idempotencyKey }, argumentsHash }) =>
      promises
        .everStarted(idempotencyKey)
        .some((job) => (code === 'idempotency_conflict' ? job.argumentsHash !== argumentsHash : job.gone)),
    );
    promises.hold(reason, `a key is refused only for its reason: ${code}`);
  }

  /** What becomes of an accepted job on the client's side. */
  #follow(jobId: string): void {
    const { random } = this.#needs;
    if (random.chance(0.15)) this.#soon(() => this.#cancel(jobId), 30_000);
    if (random.chance(0.03)) this.#soon(() => this.#cancel(jobId), 30_000);
    if (random.chance(0.3)) this.#soon(() => this.#look(jobId), 60_000);
    if (random.chance(0.7)) this.#wait(jobId);
  }

  #cancel(jobId: string): void {
    this.#ask(
      async (supervisor) => {
        const { promises, figures, life } = this.#needs;
        const known = promises.jobs.get(jobId);
        try {
          const view = await supervisor.cancel(jobId, 'Not wanted.');
          figures.count('cancel');
          promises.hold(view !== null || known?.gone === true, 'an acknowledged job can be found', known);
          if (view !== null) promises.cancelAcknowledged(jobId);
        } catch {
          // The disk failed while the daemon closed: nothing is durable, and the client asks the next one.
          promises.hold(life()?.supervisor !== supervisor, 'a daemon that serves answers a cancel', known);
          this.#soon(() => this.#cancel(jobId));
        }
      },
      () => this.#cancel(jobId),
    );
  }

  #look(jobId: string): void {
    this.#ask(
      async (supervisor) => {
        const { promises } = this.#needs;
        const view = await supervisor.look(jobId);
        const known = promises.jobs.get(jobId);
        promises.hold(view !== null || known?.gone === true, 'an acknowledged job can be found', known);
      },
      () => this.#look(jobId),
    );
  }

  #wait(jobId: string): void {
    this.#ask(
      async (supervisor) => {
        const { promises, random } = this.#needs;
        await supervisor.settled([jobId], 'all', new AbortController().signal);
        const known = promises.jobs.get(jobId);
        const over = known !== undefined && (known.gone || !promises.open.has(known));
        promises.hold(over, 'a wait ends when its job has settled', known);
        if (random.chance(0.7)) this.#soon(() => this.#consume(jobId), 20_000);
      },
      () => this.#wait(jobId),
    );
  }

  #consume(jobId: string): void {
    const { promises, figures } = this.#needs;
    const known = promises.jobs.get(jobId);
    if (known === undefined) return;
    this.#ask(
      async (supervisor) => {
        known.consumed = true;
        try {
          if (await supervisor.remove(jobId)) figures.count('consumed');
        } catch {
          // The disk failed: the job is still there, and the client asks again.
          this.#soon(() => this.#consume(jobId));
        }
      },
      () => this.#consume(jobId),
    );
  }
}
