import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as nextLook } from 'node:timers/promises';
import { makeThreadCrash, type ThreadCrash } from '../faults/thread-crash.js';
import { Figures } from '../simulation/figures.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

/** A third ends well, a third breaks, a third waits to be cancelled; each leaves what agents leave. */
const agent = `
read task
echo "$task" >new.txt
mkdir -p node_modules/deep
echo x >node_modules/deep/file
chmod 500 node_modules/deep
git init -q nested
case "$task" in
  *0|*3|*6|*9) exit 0 ;;
  *1|*4|*7) exit 3 ;;
  *) sleep 600 ;;
esac
`;
const isToCancel = (number: number): boolean => (number % 10) % 3 === 2;

/** Jobs that are there at once. The first of each ends well. */
const WAVE = 20;
const WARM = 2;
const LOOKS = 400;

export interface DiskReport {
  /** What was done, counted. */
  figures: Record<string, number>;
  /** Paths below the state directory that are the pool's, which may stay. */
  pool: string[];
  /** What else is there when all jobs were consumed; nothing, if all holds. */
  left: string[];
}

/**
 * Has so many jobs come and go, in waves: they end well, break or are cancelled, and in the middle of each wave the
 * daemon is killed or its threads die. Consumes all of them, and tells what the disk and the machine still hold.
 */
export async function runDisk(jobs: number): Promise<DiskReport> {
  const offshoot = await makeOffshoot({
    environment: {
      OFFSHOOT_BACKEND: 'command',
      OFFSHOOT_COMMAND: agent,
      OFFSHOOT_MAX_RUNNING: '4',
      OFFSHOOT_WARM_SLOTS: String(WARM),
      OFFSHOOT_LOG_LEVEL: 'error',
    },
  });
  try {
    const threads = await makeThreadCrash(offshoot.root);
    // The daemon gets this very object when it starts.
    Object.assign(offshoot.environment, threads.environment, { TMPDIR: join(offshoot.root, 'temporary') });
    await mkdir(join(offshoot.root, 'temporary'));
    await leaveOldSlot(offshoot);
    await offshoot.start();
    const figures = new Figures();
    for (let first = 0; first < jobs; first += WAVE)
      await runWave(offshoot, threads, first, Math.min(WAVE, jobs - first), figures);
    return { figures: figures.counts, ...(await takeStock(offshoot)) };
  } finally {
    await offshoot.remove();
  }
}

async function runWave(
  offshoot: Offshoot,
  threads: ThreadCrash,
  first: number,
  many: number,
  figures: Figures,
): Promise<void> {
  const numbers = Array.from({ length: many }, (_, index) => first + index);
  // Every other time there are changes that are not committed, so that the baseline is a commit of ours.
  const wave = first / WAVE;
  await writeFile(
    join(offshoot.repository, 'a.txt'),
    wave % 2 === 0 ? 'one\ntwo\nthree\n' : `wave ${wave}\n`,
  );
  const ids = await Promise.all(numbers.map((number) => offshoot.delegate(`task-${number}\n`)));
  await offshoot.result(ids[0] ?? '');
  if (wave % 2 === 0) await restart(offshoot, wave, figures);
  else {
    await threads.crash('pool');
    figures.count('deaths of all threads');
  }
  await Promise.all(
    ids.map(async (id, index) => {
      if (isToCancel(first + index)) await offshoot.call('codex_job_cancel', { job_id: id });
      const { status } = await offshoot.result(id);
      await offshoot.call('codex_job_consume_result', { job_id: id });
      figures.count(`jobs ${status}`);
    }),
  );
}

/** Worktrees are overlays every other time, where the machine can. */
async function restart(offshoot: Offshoot, wave: number, figures: Figures): Promise<void> {
  await offshoot.kill();
  offshoot.environment.OFFSHOOT_OVERLAY = String(wave % 4 === 2);
  await offshoot.start();
  figures.count('kill -9 of the daemon');
}

/** A slot of a job that no store knows, as after a store was lost. */
async function leaveOldSlot({ stateDir }: Offshoot): Promise<void> {
  const slot = join(stateDir, 'repositories', 'repository-0000000000000000', 'slots', 'f'.repeat(32));
  await mkdir(join(slot, 'wt'), { recursive: true });
  await writeFile(join(slot, 'wt', 'old.txt'), 'old\n');
}

/** What a state directory has whatever becomes of jobs. */
const ofDaemon =
  /^(?:jobs\.sqlite(?:-wal|-shm)?|daemon\.lock(?:-journal)?|daemon\.sock|logs(?:\/daemon\.log)?|jobs|removals|namespaces(?:\/\d+)?|repositories|repositories\/[^/]+(?:\/(?:slots|idle|lower|mirrors|trash))?|repositories\/overlay\/trash)$/;
/** Mirrors of the caller's objects, and what waits for the next jobs: clean checkouts of the one file there is. */
const ofPool =
  /^repositories\/[^/]+\/(?:mirrors\/.+|(?:idle|lower)\/[^/]+(?:\/(?:index|stamps\.json|wt|wt\/a\.txt))?)$/;

/** Looks again while there is something left: deletions go on behind a settled job. */
async function takeStock({ root, stateDir, agents }: Offshoot): Promise<Pick<DiskReport, 'pool' | 'left'>> {
  for (let look = 1; ; look += 1) {
    // Null where a deletion took a directory away under the look.
    const there = await readdir(stateDir, { recursive: true }).catch(() => null);
    if (there === null) continue;
    const paths = there.filter((path) => !ofDaemon.test(path));
    const pool = paths.filter((path) => ofPool.test(path));
    const left = [
      ...paths.filter((path) => !ofPool.test(path)),
      ...(await readdir(join(root, 'temporary'))).map((name) => `temporary/${name}`),
      ...(await agents()).map((pid) => `process ${pid}`),
    ];
    if (left.length === 0 || look === LOOKS) return { pool, left: outermost(left) };
    await nextLook(50);
  }
}

/** Without what lies in a directory that is told itself. */
const outermost = (paths: readonly string[]): string[] => {
  const told = new Set(paths);
  return paths.filter((path) => !told.has(dirname(path)));
};
