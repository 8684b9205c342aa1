import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { refuse, succeed } from '../../src/errors.js';
import { systemClock } from '../../src/job/clock.js';
import { createSupervisor } from '../../src/job/job-supervisor.js';
import { jobLayout } from '../../src/job/layout.js';
import type { Supervisor } from '../../src/job/supervisor.js';
import type { McpService } from '../../src/mcp/service.js';
import { operations } from '../../src/operations/index.js';
import { createMemoryStore } from '../../src/store/memory.js';
import type { Store } from '../../src/store/store.js';
import { temporaryDirectory } from './directory.js';
import { runReport, testLog, testSettings, worktreeReport } from './house.js';
import { silentLog } from './link-toys.js';
import { SimulatedPool } from './simulated-pool.js';

/** The real operations over a real supervisor; jobs go on when the test says so, and no program runs. */
export interface McpHouse {
  service: McpService;
  pool: SimulatedPool;
  store: Store;
  stateDir: string;
  /** A repository with one commit. */
  repository: string;
  /** Ends the run of a job whose agent is running, with this patch. */
  finish(jobId: string, patch?: Buffer): Promise<void>;
  /** Stops the supervisor and puts another in its place over the same store, as a new daemon does. */
  restart(): Promise<void>;
  remove(): Promise<void>;
}

export async function makeMcpHouse(): Promise<McpHouse> {
  const temporary = await temporaryDirectory();
  const root = await realpath(temporary.path);
  const repository = join(root, 'repository');
  await makeRepository(repository);
  const settings = testSettings(join(root, 'state'));
  await mkdir(settings.stateDir, { mode: 0o700 });
  const store = createMemoryStore();
  const pool = new SimulatedPool({ worktree: () => ({ ok: true, worktree: worktreeReport }) });
  const start = () => createSupervisor({ store, pool, settings, clock: systemClock, log: testLog() });
  let supervisor: Supervisor = await start();

  const service: McpService = {
    operations,
    log: silentLog,
    house: {
      settings,
      // A getter, because another supervisor takes over after a restart.
      get supervisor() {
        return supervisor;
      },
      preflight: async () =>
        succeed({ program: '/bin/codex', version: '1', loggedIn: true, sandbox: true, notes: [] }),
      account: async () => succeed({ models: [], model: null, effort: null, limits: null }),
      preview: async () => refuse('worktree_failed'),
      checkDisk: async () => succeed(null),
      damagedStores: async () => [],
      draining: () => false,
      called: () => undefined,
      begin: () => () => undefined,
      version: '0.0.0',
      startedAt: 0,
      differingSettings: () => succeed([]),
      httpUrl: async () => null,
      now: Date.now,
    },
  };

  return {
    service,
    pool,
    store,
    stateDir: settings.stateDir,
    repository,
    async finish(jobId, patch = Buffer.from('diff --git a/a b/a\n')) {
      const running = await pool.next('run', jobId);
      running.answer({ ok: true, run: runReport });
      const diffing = await pool.next('diff', jobId);
      const files = jobLayout(settings.stateDir, jobId);
      await mkdir(dirname(files.patch), { recursive: true });
      await writeFile(files.patch, patch);
      await writeFile(files.files, '[]');
      const sha256 = createHash('sha256').update(patch).digest('hex');
      const report = { bytes: patch.length, sha256, files: 1, added: 1, removed: 0, warnings: [] };
      diffing.answer({ ok: true, patch: report });
    },
    async restart() {
      supervisor.close();
      pool.underWay.splice(0);
      supervisor = await start();
    },
    async remove() {
      supervisor.close();
      await store.close();
      await temporary.remove();
    },
  };
}

async function makeRepository(path: string): Promise<void> {
  const person = { NAME: 'Test', EMAIL: 'test@example.invalid' };
  const environment = Object.fromEntries(
    Object.entries(person).flatMap(([key, value]) => [
      [`GIT_AUTHOR_${key}`, value],
      [`GIT_COMMITTER_${key}`, value],
    ]),
  );
  const env = { ...environment, PATH: '/usr/local/bin:/usr/bin:/bin', HOME: dirname(path) };
  const git = (...words: string[]) => promisify(execFile)('git', words, { env });
  await git('init', '--quiet', path);
  await git('-C', path, 'commit', '--quiet', '--allow-empty', '--message', 'first');
}
