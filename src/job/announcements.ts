import PQueue from 'p-queue';
import type { StagePool } from '../pool/pool.js';
import type { Store } from '../store/store.js';
import type { JobRecord } from './record.js';
import type { Supervisor } from './supervisor.js';

const AT_ONCE = 4;
const ATTEMPTS = 3;
/** A command that hangs does not hold up a daemon that leaves; the next one tells of that job again. */
const CLOSE_MS = 2_000;

export interface AnnouncementsNeeds {
  store: Pick<Store, 'takeUnannounced' | 'announced'>;
  pool: Pick<StagePool, 'run'>;
  log: { warn(details: object, message: string): void };
}

/**
 * Tells the user's command or URL of each job that settles, in the order in which they do. The store knows of whom
 * nothing was told yet, so that nobody is left out when a daemon is killed; whom it was telling of then is told of
 * again. What fails three times is logged, and given up.
 */
export class Announcements {
  readonly #needs: AnnouncementsNeeds;
  readonly #queue = new PQueue({ concurrency: AT_ONCE });
  #closed = false;

  constructor(needs: AnnouncementsNeeds) {
    this.#needs = needs;
  }

  /** Tells of what earlier daemons left. To be called before jobs are taken up: they are told of as they settle. */
  async takeUp(): Promise<void> {
    for (const record of await this.#needs.store.takeUnannounced()) this.#enqueue(record);
  }

  /** Tells of jobs from now on. */
  follow(supervisor: Pick<Supervisor, 'subscribe'>): void {
    supervisor.subscribe(({ record }) => {
      if (record.announce) this.#enqueue(record);
    });
  }

  /** Begins nothing more, and waits a moment for what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#queue.clear();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([this.#queue.onIdle(), late]);
    clearTimeout(timer);
  }

  #enqueue(record: JobRecord): void {
    this.#queue.add(() => this.#tell(record)).catch((problem) => this.#warn(record.id, problem));
  }

  async #tell({ id, state, submission }: JobRecord): Promise<void> {
    const { store, pool } = this.#needs;
    const { label, groupId } = submission;
    for (let attempt = 1; attempt <= ATTEMPTS && !this.#closed; attempt += 1) {
      const problem = await pool.run('announce', { jobId: id, state, label, groupId }).catch(String);
      if (problem === null) return store.announced(id);
      if (attempt === ATTEMPTS) {
        this.#warn(id, problem);
        return store.announced(id);
      }
    }
  }

  #warn(jobId: string, problem: unknown): void {
    this.#needs.log.warn({ job: jobId, problem }, 'on_settled was not told');
  }
}
