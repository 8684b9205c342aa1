import type { Settings } from './config.js';
import { type Outcome, succeed } from './errors.js';
import { systemClock } from './job/clock.js';
import { checkDisk } from './job/disk.js';
import { createSupervisor } from './job/job-supervisor.js';
import { stateLayout } from './job/layout.js';
import { createReadiness } from './job/readiness.js';
import type { Log } from './log.js';
import type { House } from './operations/operation.js';
import { createPool } from './pool/pool.js';
import { openSqliteStore } from './store/sqlite.js';
import { version } from './version.js';

/** Puts the parts together: store, threads, supervisor. `close` leaves running agents to the next house. */
export async function openHouse(
  settings: Settings,
  log: Log,
): Promise<Outcome<{ house: House; idleSince(): number; close(): Promise<void> }>> {
  const opened = await openSqliteStore(stateLayout(settings.stateDir).store, (row) =>
    log.error({ row }, 'a row of the store cannot be understood; it is left as it is'),
  );
  if (!opened.ok) return opened;
  const { store, setAside } = opened.value;
  if (setAside !== null) log.error({ path: setAside }, 'the store was damaged; it was set aside');

  const pool = createPool(settings);
  const supervisor = await createSupervisor({ store, pool, settings, clock: systemClock, log });
  let lastUse = systemClock.now();
  const use = () => {
    lastUse = systemClock.now();
  };
  supervisor.subscribe(use);
  const house: House = {
    settings,
    supervisor,
    preflight: createReadiness(pool, systemClock.now),
    checkDisk: () => checkDisk(settings.stateDir),
    draining: () => supervisor.isDraining(),
    called: use,
    version,
    startedAt: systemClock.now(),
    now: systemClock.now,
  };
  const close = async () => {
    supervisor.close();
    await store.close();
    await pool.close();
  };
  /** Instant since which nobody called and no job changed. */
  const idleSince = () => (supervisor.isIdle() ? lastUse : systemClock.now());
  return succeed({ house, idleSince, close });
}
