import { createMemoryStore } from '../../src/store/memory.js';
import type { Store } from '../../src/store/store.js';
import type { Life } from './life.js';
import type { Promises } from './promises.js';
import type { Random } from './random.js';

/** How the disk does for the moment. */
export interface DiskMood {
  /** Longest time of a commit, in milliseconds. */
  slowness: number;
  /** Writes fail: before they take effect or, where a call may be repeated, also after it. */
  failure: 'none' | 'before' | 'after';
}

interface Waiting {
  kind: 'read' | 'write' | 'repeatable';
  effect: () => Promise<unknown>;
  resolve(answer: unknown): void;
  reject(problem: Error): void;
}

/** What survives the daemons: a store in memory, whose commits take simulated time and may fail. */
export class Disk {
  mood: DiskMood = { slowness: 10, failure: 'none' };
  /** Called for each write that failed. */
  failed: () => void = () => undefined;

  constructor(
    readonly promises: Promises,
    readonly random: Random,
    readonly kept: Store = createMemoryStore(),
  ) {}

  /** The store as one daemon has it open. */
  connect(life: Life): { store: Store; crash(): void } {
    const { kept, promises } = this;
    let waiting: Waiting[] = [];

    const commit = () => {
      const batch = waiting;
      waiting = [];
      for (const call of batch) this.#answer(call);
    };
    const call = <Answer>(kind: Waiting['kind'], effect: () => Promise<Answer>): Promise<Answer> =>
      new Promise<Answer>((resolve, reject) => {
        if (waiting.length === 0) life.after(this.random.between(1, this.mood.slowness), commit);
        waiting.push({ kind, effect, resolve: resolve as Waiting['resolve'], reject });
      });
    const read = <Answer>(effect: () => Promise<Answer>) => call('read', effect);
    const write = <Answer>(effect: () => Promise<Answer>) => call('write', effect);

    const store: Store = {
      create: (jobs) =>
        write(async () => {
          const created = await kept.create(jobs);
          if (created.ok) promises.created(jobs);
          return created;
        }),
      save: (record, entry) => {
        promises.saving(record);
        return call('repeatable', async () => {
          const saved = await kept.save(record, entry);
          if (saved) promises.saved(record);
          return saved;
        });
      },
      remove: (id, keepKeyUntil) =>
        write(async () => {
          const removed = await kept.remove(id, keepKeyUntil);
          if (removed) promises.removed(id, keepKeyUntil);
          return removed;
        }),
      takeUnannounced: () => write(() => kept.takeUnannounced()),
      announced: (id) => write(() => kept.announced(id)),
      forgetKeys: (now) => write(() => kept.forgetKeys(now)),
      get: (id) => read(() => kept.get(id)),
      startedBy: (key) => read(() => kept.startedBy(key)),
      task: (id) => read(() => kept.task(id)),
      journal: (id) => read(() => kept.journal(id)),
      list: (filter) => read(() => kept.list(filter)),
      unsettled: () => read(() => kept.unsettled()),
      expired: (now, limit) => read(() => kept.expired(now, limit)),
      countByState: () => read(() => kept.countByState()),
      lastSequence: () => read(() => kept.lastSequence()),
      close: () => read(async () => undefined),
    };
    /** Of what was on its way, some has reached the disk, in order; nobody hears of it. */
    const crash = () => {
      for (const { effect } of waiting.slice(0, this.random.between(0, waiting.length))) void effect();
    };
    return { store, crash };
  }

  #answer({ kind, effect, resolve, reject }: Waiting): void {
    const { failure } = this.mood;
    if (kind === 'read' || failure === 'none') {
      effect().then(resolve, reject);
      return;
    }
    this.failed();
    const problem = new Error('No space left on the simulated disk.');
    if (failure === 'before' || kind === 'write') reject(problem);
    else void effect().then(() => reject(problem));
  }
}
