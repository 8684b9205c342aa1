import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { callOperation } from '../../src/ipc/client.js';
import { connectDaemon, type DaemonConnection } from '../../src/ipc/connect.js';
import { ownHello } from '../../src/ipc/hello.js';
import { socketPath } from '../../src/ipc/socket-path.js';
import { daemonFlags } from '../../src/ipc/start-daemon.js';
import type { Context } from '../scenario.js';
import { agentOf, baseEnvironment } from './environment.js';
import { endAgents } from './processes.js';
import { cloneRepository, makeRepository } from './repository.js';

const daemonEntry = fileURLToPath(new URL('../../src/daemon.js', import.meta.url));
/** A daemon that was asked to end and has not after this time is killed. */
const ENDING_MS = 10_000;

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by the operations' own schemas.
export type Answer = any;

/** Calls an operation; throws when it refuses. */
export type Call = (operation: string, input?: object, onReport?: (text: string) => void) => Promise<Answer>;

/** A repository, and a real daemon with a state directory of its own; all below one directory. */
export interface World {
  repository: string;
  stateDir: string;
  environment: Record<string, string>;
  /** Starts a daemon; answers the milliseconds from its start to its first answer. */
  start(): Promise<number>;
  /** The daemon's process id. */
  pid(): number;
  /** Over the connection that `start` made. */
  call: Call;
  /** Another connection. */
  connect(): Promise<Call>;
  /** Lets the daemon end, or kills it. */
  stop(how?: 'politely' | 'kill -9'): Promise<void>;
  remove(): Promise<void>;
}

export interface WorldPlan {
  /** Files of the generated repository; the user's own is taken instead if there is one. */
  files?: number;
  environment?: Record<string, string>;
}

/** Makes a world that is removed when the scenario is over, if not before. */
export async function makeWorld(context: Context, plan: WorldPlan = {}): Promise<World> {
  const root = await mkdtemp(join(context.directory, 'world-'));
  const [home, repository, stateDir] = ['home', 'repository', 'state'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(home);
  const base = baseEnvironment(context, home);
  if (context.repository === null) await makeRepository(repository, plan.files ?? 20, base);
  else await cloneRepository(context.repository, repository, base);
  const environment = {
    ...base,
    OFFSHOOT_STATE_DIR: stateDir,
    OFFSHOOT_BACKEND: 'command',
    OFFSHOOT_COMMAND: agentOf(context),
    OFFSHOOT_LOG_LEVEL: 'error',
    ...plan.environment,
  };
  const world = new RunningWorld(context, root, { repository, stateDir, environment });
  context.atEnd(() => world.remove());
  return world;
}

class RunningWorld implements World {
  readonly repository: string;
  readonly stateDir: string;
  readonly environment: Record<string, string>;
  readonly #context: Context;
  readonly #root: string;
  readonly #connections: DaemonConnection[] = [];
  #daemon: ChildProcess | undefined;
  #call: Call | undefined;

  constructor(
    context: Context,
    root: string,
    { repository, stateDir, environment }: Pick<World, 'repository' | 'stateDir' | 'environment'>,
  ) {
    this.#context = context;
    this.#root = root;
    this.repository = repository;
    this.stateDir = stateDir;
    this.environment = environment;
  }

  async start(): Promise<number> {
    // As whoever starts one in the background does.
    await mkdir(this.stateDir, { recursive: true, mode: 0o700 });
    const began = performance.now();
    this.#daemon = spawn(process.execPath, [...daemonFlags, ...this.#profiling(), daemonEntry], {
      env: this.environment,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#call = await this.connect();
    await this.#call('codex_job_list', { limit: 1 });
    return performance.now() - began;
  }

  pid(): number {
    if (this.#daemon?.pid === undefined) throw new Error('The daemon was not started.');
    return this.#daemon.pid;
  }

  call: Call = (...parameters) => {
    if (this.#call === undefined) throw new Error('The daemon was not started.');
    return this.#call(...parameters);
  };

  async connect(): Promise<Call> {
    const connection = await this.#reach();
    this.#connections.push(connection);
    return async (operation, input = {}, onReport) => {
      const answer = await callOperation(connection, operation, input, onReport && { onReport });
      if (answer.ok) return answer.value;
      throw new Error(`${operation}: ${answer.fault.code}: ${answer.fault.message}`);
    };
  }

  async stop(how: 'politely' | 'kill -9' = 'politely'): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    if (daemon !== undefined && daemon.exitCode === null && daemon.signalCode === null) {
      const ended = once(daemon, 'exit');
      daemon.kill(how === 'politely' ? 'SIGTERM' : 'SIGKILL');
      const overtake = setTimeout(() => daemon.kill('SIGKILL'), ENDING_MS);
      await ended;
      clearTimeout(overtake);
    }
    for (const { socket } of this.#connections.splice(0)) socket.destroy();
  }

  async remove(): Promise<void> {
    await this.stop();
    await endAgents(this.#root);
    await rm(this.#root, { recursive: true, force: true, maxRetries: 10 });
  }

  /** Like a client that has started a daemon: tries until it answers. */
  async #reach(): Promise<DaemonConnection> {
    const path = socketPath(this.stateDir);
    for (;;) {
      this.#context.signal.throwIfAborted();
      const reached = await connectDaemon({ socket: path, hello: ownHello('operations') });
      if (reached.ok) return reached.value;
      if (this.#daemon === undefined || this.#daemon.exitCode !== null)
        throw new Error('The daemon did not start.');
      await delay(5);
    }
  }

  /** Written for each thread when the daemon ends politely. */
  #profiling(): string[] {
    const { profile } = this.#context;
    return profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  }
}

/** Hands a task over and answers the job's id. */
export async function submit(call: Call, repository: string, task: string): Promise<string> {
  const { job_id } = await call('codex_delegate_async', { task, workspace_root: repository });
  return job_id;
}

/** Resolves once the job has settled, with its state. */
export async function settled(call: Call, jobId: string, onReport?: (text: string) => void): Promise<string> {
  for (;;) {
    const { jobs } = await call('codex_job_wait', { job_ids: [jobId], timeout_seconds: 50 }, onReport);
    if (jobs[0].poll_after_ms === null) return jobs[0].status;
  }
}

/** Settings for that many agents at once. */
export const limitOf = (running: number): Record<string, string> => ({
  OFFSHOOT_MAX_RUNNING: String(running),
});
