import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { providerConfig, type ScriptedModel } from '../../src/demo/scripted-model.js';
import { refuse, succeed } from '../../src/errors.js';
import { callOperation } from '../../src/ipc/client.js';
import { connectDaemon, type DaemonConnection } from '../../src/ipc/connect.js';
import { ownHello } from '../../src/ipc/hello.js';
import { socketPath } from '../../src/ipc/socket-path.js';
import { daemonFlags } from '../../src/ipc/start-daemon.js';
import type { Origin } from '../../src/operations/operation.js';
import { temporaryDirectory } from './directory.js';

const execute = promisify(execFile);
/** A loaded machine starts a daemon when it gets round to it. */
const PATIENCE_MS = 180_000;
/** Looking without a pause would take the processor from what is looked at. */
const LOOK_MS = 5;

export const daemonEntry = fileURLToPath(new URL('../../src/daemon.js', import.meta.url));
export const commandLine = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

/** A value that a tool answered, or the error of its envelope. */
// biome-ignore lint/suspicious/noExplicitAny: answers are checked by the operations' own schemas.
export type Answer = any;

/** A user with a home, a repository and a real daemon; all below one temporary directory. */
export interface Offshoot {
  root: string;
  repository: string;
  stateDir: string;
  environment: Record<string, string>;
  /** Starts a daemon process and connects to it. */
  start(): Promise<void>;
  /** What the operation answered; throws its error code and message when it refuses. */
  call(operation: string, input?: object): Promise<Answer>;
  /** Connects as another client; answers how it calls operations. */
  as(origin: Origin): Promise<(operation: string, input: object) => Promise<Answer>>;
  /** The error of an operation that must refuse. */
  refusal(operation: string, input?: object): Promise<Answer>;
  /** Delegates a task of the repository; answers the job's id. */
  delegate(task: string, input?: object): Promise<string>;
  /** Waits until the job has settled and answers its result, with all of its patch in `patch`. */
  result(jobId: string): Promise<Answer>;
  /** Waits until the job is in a state. */
  reach(jobId: string, state: string): Promise<void>;
  /** Id of the daemon's process. */
  pid(): number;
  /** Exit code and signal of the daemon, once it has ended. */
  ended(): Promise<unknown[]>;
  /** Kills the daemon's process, as `kill -9` does. */
  kill(): Promise<void>;
  git(...words: string[]): Promise<string>;
  /** Processes that belong to any job of this test. */
  agents(): Promise<number[]>;
  /** Directories of worktrees that are there. */
  slots(): Promise<string[]>;
  /** Stops the daemon and removes everything. */
  remove(): Promise<void>;
}

export interface OffshootOptions {
  /** Has the real Codex CLI talk to this model. */
  model?: ScriptedModel;
  /** Provider retries of Codex; few, so that failures are quick. */
  retries?: number;
  environment?: Record<string, string>;
  /** Words put before the daemon's own, for example `prlimit --nofile=64`; the program must exec the rest. */
  prefix?: readonly string[];
}

export async function makeOffshoot({
  model,
  retries = 0,
  environment = {},
  prefix = [],
}: OffshootOptions = {}): Promise<Offshoot> {
  const temporary = await temporaryDirectory();
  const root = await realpath(temporary.path);
  const [home, repository, ownState, codexHome] = ['home', 'repository', 'state', 'codex-home'].map((name) =>
    join(root, name),
  ) as [string, string, string, string];
  const stateDir = environment.OFFSHOOT_STATE_DIR ?? ownState;
  for (const path of [home, repository, codexHome]) await mkdir(path);
  if (model !== undefined) {
    await writeFile(join(codexHome, 'config.toml'), providerConfig(model.url, 'TEST_MODEL_KEY', retries));
  }
  const env: Record<string, string> = {
    PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    HOME: home,
    OFFSHOOT_STATE_DIR: stateDir,
    OFFSHOOT_CODEX_PATH: resolve('node_modules/.bin/codex'),
    OFFSHOOT_LOG_LEVEL: 'debug',
    CODEX_HOME: codexHome,
    TEST_MODEL_KEY: 'no-secret',
    ...environment,
  };
  let daemon: ChildProcess | undefined;
  let connection: DaemonConnection | undefined;
  const others: DaemonConnection[] = [];

  const git = async (...words: string[]) => {
    const { stdout } = await execute('git', ['-C', repository, ...words], {
      env: { ...identity, PATH: env.PATH, HOME: home },
    });
    return stdout;
  };
  await git('init', '--quiet', '--initial-branch=main');
  await writeFile(join(repository, 'a.txt'), 'one\ntwo\nthree\n');
  await git('add', '.');
  await git('commit', '--quiet', '--message', 'first');

  const ask = (operation: string, input: object) => {
    if (connection === undefined) throw new Error('The daemon was not started.');
    return callOperation(connection, operation, input);
  };

  const offshoot: Offshoot = {
    root,
    repository,
    stateDir,
    environment: env,
    git,
    async start() {
      // As whoever starts one in the background does, who may be another user than we are.
      await mkdir(stateDir, { recursive: true, mode: 0o700 });
      const { uid, gid } = await stat(root);
      await chown(stateDir, uid, gid);
      const [program = '', ...words] = [...prefix, process.execPath, ...daemonFlags, daemonEntry];
      daemon = spawn(program, words, {
        env,
        cwd: '/',
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const ended = once(daemon, 'exit');
      const request = { socket: socketPath(stateDir), hello: ownHello('operations') };
      // Like a client does that has started a daemon: tries until it answers, or has ended with an error.
      const exit = ended.then(([status, signal]) =>
        status === 0
          ? succeed(null)
          : refuse('daemon_unavailable', { message: `The daemon ended (${signal ?? status}).` }),
      );
      const start = () => succeed({ exit, serves: () => undefined });
      const reached = await connectDaemon({ ...request, start, patienceMs: PATIENCE_MS });
      if (!reached.ok) throw new Error(reached.fault.message);
      connection = reached.value;
    },
    async call(operation, input = {}) {
      const answer = await ask(operation, input);
      if (!answer.ok) throw new Error(`${operation}: ${answer.fault.code}: ${answer.fault.message}`);
      return answer.value;
    },
    async as(origin) {
      const reached = await connectDaemon({
        socket: socketPath(stateDir),
        hello: { ...ownHello('operations'), origin },
      });
      if (!reached.ok) throw new Error(reached.fault.message);
      others.push(reached.value);
      return async (operation, input) => {
        const answer = await callOperation(reached.value, operation, input);
        if (!answer.ok) throw new Error(`${operation}: ${answer.fault.code}: ${answer.fault.message}`);
        return answer.value;
      };
    },
    async refusal(operation, input = {}) {
      const answer = await ask(operation, input);
      if (answer.ok) throw new Error(`${operation} was not refused.`);
      return answer.fault;
    },
    async delegate(task, input = {}) {
      const answer = await offshoot.call('codex_delegate_async', {
        task,
        workspace_root: repository,
        ...input,
      });
      return answer.job_id;
    },
    async result(jobId) {
      for (;;) {
        const { jobs } = await offshoot.call('codex_job_wait', { job_ids: [jobId], timeout_seconds: 50 });
        if (jobs[0].poll_after_ms === null || jobs[0].status === 'unknown') break;
      }
      const first = await offshoot.call('codex_job_result', { job_id: jobId, detail: 'full' });
      let patch = first.patch === null ? null : Buffer.from(first.patch, first.patch_encoding);
      for (let cursor = first.next_cursor; cursor !== null; ) {
        const page = await offshoot.call('codex_job_result', { job_id: jobId, cursor });
        patch = Buffer.concat([patch ?? Buffer.alloc(0), Buffer.from(page.patch, page.patch_encoding)]);
        cursor = page.next_cursor;
      }
      return { ...first, patch };
    },
    async reach(jobId, state) {
      for (;;) {
        const status = await offshoot.call('codex_job_status', { job_id: jobId });
        if (status.status === state) return;
        if (status.poll_after_ms === null)
          throw new Error(`The job ended as ${status.status}, before ${state}.`);
        await delay(LOOK_MS);
      }
    },
    pid: () => daemon?.pid ?? 0,
    ended: async () => (daemon === undefined ? [] : once(daemon, 'exit')),
    async kill() {
      const ended = daemon && once(daemon, 'exit');
      daemon?.kill('SIGKILL');
      await ended;
      connection?.socket.destroy();
    },
    async agents() {
      const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
      const found = await Promise.all(
        names.map(async (name) => {
          const variables = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '');
          return variables.includes('OFFSHOOT_JOB=') && variables.includes(root) ? [Number(name)] : [];
        }),
      );
      return found.flat();
    },
    async slots() {
      const repositories = join(stateDir, 'repositories');
      const names = await readdir(repositories).catch(() => []);
      const slots = await Promise.all(
        names.map((name) => readdir(join(repositories, name, 'slots')).catch(() => [])),
      );
      return slots.flat();
    },
    async remove() {
      if (daemon !== undefined && daemon.exitCode === null && daemon.signalCode === null) {
        const ended = once(daemon, 'exit');
        daemon.kill('SIGTERM');
        await ended;
      }
      for (const { socket } of [...others, ...(connection === undefined ? [] : [connection])])
        socket.destroy();
      for (const pid of await offshoot.agents()) end(pid);
      await rm(root, { recursive: true, force: true, maxRetries: 10 });
    },
  };
  return offshoot;
}

/** Asserts that no process and no worktree of any job is left. */
export async function leavesNothing(offshoot: Offshoot): Promise<void> {
  assert.deepEqual(await offshoot.agents(), []);
  assert.deepEqual(await offshoot.slots(), []);
}

const identity = {
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@example.invalid',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@example.invalid',
};

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}
