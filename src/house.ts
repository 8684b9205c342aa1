import { callsUnderWay } from './calls-under-way.js';
import type { Settings } from './config.js';
import { type Outcome, succeed } from './errors.js';
import { createInspection, type Inspection } from './inspect/inspection.js';
import { Announcements } from './job/announcements.js';
import { finishRemovals } from './job/artifacts.js';
import { afterBursts } from './job/burst.js';
import { systemClock } from './job/clock.js';
import { checkDisk } from './job/disk.js';
import { createSupervisor } from './job/job-supervisor.js';
import { stateLayout } from './job/layout.js';
import { findOver } from './job/over.js';
import { poolForLooks } from './job/pool-for-looks.js';
import { createPreviews } from './job/previews.js';
import { createAccountLook, createReadiness } from './job/readiness.js';
import { shareLook } from './job/shared-look.js';
import type { Supervisor } from './job/supervisor.js';
import type { Log } from './log.js';
import { measuredPool, measuredStore } from './metrics/measured.js';
import { createMetrics, type Metrics } from './metrics/metrics.js';
import { traceJobs } from './metrics/spans.js';
import type { House } from './operations/operation.js';
import { createPool, type StagePool } from './pool/pool.js';
import { killStrays } from './stages/marked-processes.js';
import { refuseAmongUnseenAgents } from './stages/pid-namespace.js';
import { openSqliteStore } from './store/sqlite.js';
import { findSetAside } from './store/sqlite-file.js';
import type { Store } from './store/store.js';
import { version } from './version.js';

export interface OpenHouse {
  house: House;
  inspection: Inspection;
  metrics: Metrics;
  /** Since when nobody called and no job changed, in milliseconds of `performance.now`. */
  idleSince(): number;
  /** Resolves when no call is under way, at the latest after this time in milliseconds. */
  answered(milliseconds: number): Promise<void>;
  /** Resolves if the store ends by itself. */
  storeEnded: Promise<void>;
  /** Ends the agents at once and records nothing: for a house whose state directory was taken from it. */
  abandon(): Promise<void>;
  close(): Promise<void>;
}

/** The disk does not fill up within this time, and a swarm submits often. */
const DISK_MS = 1_000;

/** How old an answer is does not depend on how the clock is set. */
const elapsed = () => performance.now();

/** Puts the parts together: store, threads, supervisor. `close` leaves running agents to the next house. */
export async function openHouse(settings: Settings, log: Log): Promise<Outcome<OpenHouse>> {
  const unseen = refuseAmongUnseenAgents(settings.stateDir);
  if (!unseen.ok) return unseen;
  // A thread that does stages loads what it needs while the store opens.
  const stages = createPool(settings, (problem) => log.error({ err: problem }, 'a thread is in trouble'));
  const opened = await openSqliteStore(stateLayout(settings.stateDir).store, (row) =>
    log.error({ row }, 'a row of the store cannot be understood; it is left as it is'),
  );
  if (!opened.ok) {
    await stages.close();
    return opened;
  }
  const { setAside } = opened.value;
  const metrics = createMetrics(version);
  const store = measuredStore(opened.value.store, metrics);
  if (setAside !== null) log.error({ path: setAside }, 'the store was damaged; it was set aside');

  const pool = measuredPool(stages, metrics);
  const announcements = settings.onSettled === null ? null : new Announcements({ store, pool, log });
  await announcements?.takeUp();
  const supervisor = await createSupervisor({
    store,
    pool,
    settings,
    clock: systemClock,
    // While many hand over work at once, their answers come first.
    timing: afterBursts(systemClock),
    log,
  });
  announcements?.follow(supervisor);
  const inspection = createInspection({ supervisor, settings, clock: systemClock, version });
  metrics.watch(supervisor, settings);
  traceJobs(supervisor, version);
  let lastUse = performance.now();
  const use = () => {
    lastUse = performance.now();
  };
  supervisor.subscribe(use);
  const calls = callsUnderWay();
  await reconcile(settings.stateDir, store, pool).catch((problem) =>
    log.error({ err: problem }, 'what earlier daemons left could not be removed'),
  );
  finishRemovals(settings.stateDir, store, (jobId) => supervisor.holdsFiles(jobId)).catch((problem) =>
    log.error({ err: problem }, 'files of removed jobs stay'),
  );

  const looks = poolForLooks(pool);
  const house = houseOf(settings, supervisor, looks, {
    called: use,
    begin() {
      use();
      return calls.begin();
    },
  });
  const close = async () => {
    inspection.close();
    supervisor.close();
    await announcements?.close();
    await store.close();
    await looks.close();
    await pool.close();
  };
  const abandon = async () => {
    const unsettled = new Set(supervisor.unsettledIds());
    supervisor.close();
    const { jobs, hosts } = stateLayout(settings.stateDir);
    await killStrays(jobs, (jobId) => unsettled.has(jobId));
    await killStrays(hosts, () => true);
  };
  const idleSince = () => (supervisor.isIdle() ? lastUse : performance.now());
  return succeed({
    house,
    inspection,
    metrics,
    idleSince,
    answered: calls.ended,
    storeEnded: opened.value.ended,
    abandon,
    close,
  });
}

/** Removes what earlier daemons left of jobs that are over. */
async function reconcile(stateDir: string, store: Store, pool: StagePool): Promise<void> {
  const overJobIds = await findOver(stateDir, store, await pool.run('leftovers', {}));
  await pool.run('reconcile', { overJobIds });
}

/** What the daemon offers to calls; `use` is told of each. */
const houseOf = (
  settings: Settings,
  supervisor: Supervisor,
  looks: StagePool,
  use: Pick<House, 'called' | 'begin'>,
): House => ({
  settings,
  supervisor,
  preflight: createReadiness(looks, elapsed),
  account: createAccountLook(looks, elapsed),
  preview: createPreviews(looks),
  checkDisk: shareLook(
    () => checkDisk(settings.stateDir),
    () => DISK_MS,
    elapsed,
  ),
  damagedStores: () => findSetAside(stateLayout(settings.stateDir).store),
  differingSettings: () => succeed([]),
  draining: () => supervisor.isDraining(),
  ...use,
  version,
  startedAt: systemClock.now(),
  httpUrl: async () => null,
  now: systemClock.now,
});
