import type { z } from 'zod';
import { loadSettings } from './config.js';
import { type Outcome, refuse, succeed } from './errors.js';
import { type OpenHouse, openHouse } from './house.js';
import { acquireDaemonLock } from './ipc/daemon-lock.js';
import { stateLayout } from './job/layout.js';
import { createLog, type Log } from './log.js';
import { verbs } from './operations/index.js';
import { invoke } from './operations/invoke.js';
import { describeJob, type JobStateAnswer } from './operations/job-state.js';
import type { Call, Operation } from './operations/operation.js';
import { ownAnswer } from './operations/shared-answer.js';
import type { SettingKey } from './settings-schema.js';
import { makeStateDirectory } from './state-directory.js';

export type { ErrorCode, Fault, Outcome } from './errors.js';
export type { JobStateAnswer } from './operations/job-state.js';

export interface OrchestratorOptions {
  /** Settings by their key in the configuration file, over that file and over the environment. */
  settings?: Partial<Record<SettingKey, string | number | boolean | object | undefined>>;
  /** Where settings and the environment of agents come from; that of the process unless given. */
  environment?: Record<string, string | undefined>;
  /** Which client the calls count as: clients take turns, and have limits of their own. */
  client?: string;
}

export interface CallOptions {
  /** Ends a wait, never a job. */
  signal?: AbortSignal;
  /** Hears how a long call is going, one line at a time. */
  onReport?: (message: string) => void;
}

type Verbs = typeof verbs;

/**
 * Every operation as a method, under its name in camel case: `delegateAsync` is the tool `codex_delegate_async`.
 * The input is validated as a tool's is, and the answer is the tool's; a refusal is a value, not an exception.
 */
export type Methods = {
  [Name in keyof Verbs]: (
    input: z.input<Verbs[Name]['input']>,
    options?: CallOptions,
  ) => Promise<Outcome<z.infer<Verbs[Name]['output']>>>;
};

export interface Orchestrator extends Methods {
  /** Calls back on each durable transition of any job, and on what its agent does, until the returned function is called. */
  subscribe(listener: (job: JobStateAnswer) => void): () => void;
  /**
   * Stops at once, and ends every wait; again does no harm. Agents that run go on, and the next orchestrator, or
   * daemon, of the state directory takes them up.
   */
  close(): Promise<void>;
}

/**
 * Opens the orchestrator in this process, for programs that embed it: the same store, machines, threads and limits
 * as the daemon's, without a daemon. It takes up the jobs that the state directory holds.
 *
 * @returns `invalid_config`; `daemon_unavailable` when a daemon, or another orchestrator, holds the state
 * directory, or a part cannot be opened; `store_newer` or `store_damaged`.
 */
export async function createOrchestrator(options: OrchestratorOptions = {}): Promise<Outcome<Orchestrator>> {
  const given = Object.entries(options.settings ?? {}).filter(([, value]) => value !== undefined);
  const loaded = loadSettings(options.environment, Object.fromEntries(given));
  if (!loaded.ok) return loaded;
  const { settings } = loaded.value;
  const directory = makeStateDirectory(settings.stateDir);
  if (!directory.ok) return directory;
  const layout = stateLayout(settings.stateDir);
  const lock = acquireDaemonLock(layout.lock);
  if (!lock.ok) return refuse('daemon_unavailable', { ...lock.fault });
  const log = createLog(layout.log, settings.logLevel, false);
  const opened = await openHouse(settings, log).catch((problem: Error) =>
    refuse('daemon_unavailable', {
      message: 'A part of Offshoot cannot be opened.',
      details: { reason: problem.message },
    }),
  );
  if (!opened.ok) {
    lock.value.release();
    return opened;
  }
  const open = opened.value;
  const closing = new AbortController();
  let closed: Promise<void> | undefined;
  return succeed({
    ...methods(open, log, options.client ?? 'embedded', closing.signal),
    subscribe: (listener) =>
      open.house.supervisor.subscribe((view) => listener(describeJob(view, open.house.now()))),
    close: () => {
      closing.abort();
      closed ??= open.close().then(() => lock.value.release());
      return closed;
    },
  });
}

function methods({ house }: OpenHouse, log: Log, client: string, closing: AbortSignal): Methods {
  const call =
    ({ tool }: Operation) =>
    async (input: unknown, { signal, onReport }: CallOptions = {}) => {
      if (closing.aborted) return refuse('daemon_unavailable', { message: 'This orchestrator was closed.' });
      const context: Call = {
        house,
        origin: { client, parentJobId: null },
        defaultWorkspace: async () => process.cwd(),
        signal: AbortSignal.any(signal === undefined ? [closing] : [closing, signal]),
        rest: () => () => undefined,
        listens: onReport !== undefined,
        report: (message) => onReport?.(message),
      };
      const outcome = await invoke(Object.values(verbs), tool, input, context, log);
      return outcome.ok ? succeed(ownAnswer(outcome.value)) : outcome;
    };
  const named = Object.entries(verbs).map(([name, operation]) => [name, call(operation as Operation)]);
  return Object.fromEntries(named) as Methods;
}
