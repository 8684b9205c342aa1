import { sweep } from '../stages/marked-processes.js';
import { AttemptOutput } from './attempt-output.js';
import type { CodexServer } from './codex-server.js';
import { ExecEvents, threadStarted, turnFailed } from './exec-events.js';
import type { HostedJob } from './messages.js';
import type { ThreadNotification, ThreadStarted, Turn } from './protocol.js';
import { keepRollout, lendRollout } from './rollouts.js';

/** How long a stopped turn may take to end politely. */
export const GRACE_MS = 5_000;

/** Exit statuses as a shell tells them. */
const STATUS = { completed: 0, failed: 1, interrupted: 130, stopped: 143 } as const;

/** That of a turn; a status that is not known is none of a good one. */
const statusOf = ({ status }: Partial<Turn>): number =>
  STATUS[status as keyof typeof STATUS] ?? STATUS.failed;

/** One attempt of a job in a thread of an app-server: a turn, from its start to the death of all it started. */
export class HostedRun {
  readonly job: HostedJob;
  readonly #server: CodexServer;
  readonly #serverHome: string;
  readonly #output: AttemptOutput;
  readonly #events = new ExecEvents();
  readonly #stopping = new AbortController();
  readonly #stopAsked = new Promise<null>((resolve) => {
    this.#stopping.signal.addEventListener('abort', () => resolve(null));
  });
  #graceUntil = Number.POSITIVE_INFINITY;
  #endGrace: () => void = () => undefined;
  readonly #graceOver = new Promise<void>((resolve) => {
    this.#endGrace = resolve;
  });
  #rolloutKept = false;

  constructor(job: HostedJob, server: CodexServer, serverHome: string) {
    this.job = job;
    this.#server = server;
    this.#serverHome = serverHome;
    this.#output = new AttemptOutput(job.files);
  }

  /** Runs the turn and ends what it left; resolves when the attempt's exit status is written. */
  async run(): Promise<void> {
    const status = await this.#work().catch((problem: Error) => {
      if (problem === this.#stopping.signal.reason) return STATUS.stopped;
      this.#output.event(turnFailed(problem.message));
      return STATUS.failed;
    });
    await this.#end(status);
  }

  /** For an app-server that never came up: the attempt ends with its status and what it said. */
  async neverBegan(status: number, said: readonly string[]): Promise<void> {
    for (const line of said) this.#output.said(line);
    await this.#end(status);
  }

  /** Has the turn interrupted; when the grace is over, its end is waited for no longer. May be called again. */
  stop(graceMs: number): void {
    this.#stopping.abort();
    const until = performance.now() + graceMs;
    if (until >= this.#graceUntil) return;
    this.#graceUntil = until;
    setTimeout(this.#endGrace, graceMs);
  }

  /** The app-server complained of the sandbox; for whom, it does not tell. */
  sandboxComplained(line: string): void {
    this.#output.said(line);
  }

  #end(status: number): Promise<void> {
    return this.#output.finish(status, () => this.#stopping.signal.aborted);
  }

  async #work(): Promise<number> {
    const opening = this.#openThread();
    const opened = await Promise.race([opening, this.#stopAsked]);
    if (opened === null) {
      // Without a turn nothing has run: nobody need wait until the thread is there to be closed.
      void opening.then(({ thread }) => this.#closeThread(thread)).catch(() => undefined);
      return STATUS.stopped;
    }
    const { thread } = opened;
    try {
      return await this.#turn(thread);
    } finally {
      await this.#closeThread(thread);
      await sweep(this.job.jobId);
    }
  }

  async #openThread(): Promise<ThreadStarted> {
    const { threadId, directory, model, home } = this.job;
    const settings = {
      cwd: directory,
      model,
      approvalPolicy: 'never',
      // A thread that may write from the start is trusted, for good, and then the checkout may configure Codex.
      sandbox: 'read-only',
      config: this.#config(),
    } as const;
    const { signal } = this.#stopping;
    if (threadId === null)
      return this.#server.request('thread/start', { ...settings, ephemeral: false }, signal);
    lendRollout(threadId, home, this.#serverHome);
    return this.#server.request('thread/resume', { ...settings, threadId, excludeTurns: true }, signal);
  }

  #config() {
    const { variables, hidden } = this.job;
    const set = Object.entries(variables).map(([name, value]) => [
      `shell_environment_policy.set.${name}`,
      value,
    ]);
    return {
      'shell_environment_policy.ignore_default_excludes': false,
      'shell_environment_policy.exclude': hidden,
      ...Object.fromEntries(set),
    };
  }

  async #turn(thread: ThreadStarted['thread']): Promise<number> {
    const { input, effort, writable } = this.job;
    let turnEnded: (turn: Partial<Turn>) => void = () => undefined;
    const ended = new Promise<Partial<Turn>>((resolve) => {
      turnEnded = resolve;
    });
    const silence = this.#server.listen(thread.id, (notification) => {
      this.#tell(thread, notification);
      if (notification.method === 'turn/completed') turnEnded(notification.params.turn ?? {});
    });
    try {
      const { turn } = await this.#server.request(
        'turn/start',
        {
          threadId: thread.id,
          input: [{ type: 'text', text: input, text_elements: [] }],
          effort,
          sandboxPolicy: {
            type: 'workspaceWrite',
            writableRoots: writable,
            networkAccess: false,
            // The app-server's own, which all of its threads would share; the job's is among its roots.
            excludeTmpdirEnvVar: true,
            excludeSlashTmp: true,
          },
        },
        this.#stopping.signal,
      );
      const result = await Promise.race([ended, this.#stopAsked]);
      if (result !== null) return statusOf(result);
      await this.#interrupt(thread.id, turn.id, ended);
      return STATUS.stopped;
    } finally {
      silence();
    }
  }

  async #interrupt(threadId: string, turnId: string, ended: Promise<Partial<Turn>>): Promise<void> {
    const interrupted = this.#server.request('turn/interrupt', { threadId, turnId }).catch(() => undefined);
    await Promise.race([interrupted.then(() => ended), this.#graceOver]);
  }

  #tell(thread: ThreadStarted['thread'], notification: ThreadNotification): void {
    this.#keepThread(thread);
    const event = this.#events.of(notification);
    if (event !== null) this.#output.event(event);
  }

  /** A thread is told of once its rollout is the job's: no attempt is to go on in one that is lost with its host. */
  #keepThread({ id, path }: ThreadStarted['thread']): void {
    if (this.#rolloutKept || path === null) return;
    this.#rolloutKept = keepRollout(path, this.#serverHome, this.job.home);
    if (this.#rolloutKept) this.#output.event(threadStarted(id));
  }

  /** Ends the commands that the turn left running, and has the app-server forget the thread. */
  async #closeThread({ id, path }: ThreadStarted['thread']): Promise<void> {
    const ignore = () => undefined;
    await this.#server.request('thread/backgroundTerminals/clean', { threadId: id }).catch(ignore);
    if (path !== null) keepRollout(path, this.#serverHome, this.job.home);
    await this.#server.request('thread/delete', { threadId: id }).catch(ignore);
  }
}
