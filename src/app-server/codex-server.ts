import { type ChildProcess, spawn } from 'node:child_process';
import { takeLines } from '../lines.js';
import { version } from '../version.js';
import { type Requests, type ThreadNotification, UNREAD } from './protocol.js';

/** Codex 0.169 loses answers for ever when some 200 requests are outstanding. */
const MOST_OUTSTANDING = 32;
/** What ends a job goes before what starts one: there may be hundreds of those. */
const ENDING: readonly (keyof Requests)[] = [
  'turn/interrupt',
  'thread/backgroundTerminals/clean',
  'thread/delete',
];
/** A busy server needs seconds; one that needs this long will not answer. */
const ANSWER_MS = 120_000;
/** It quotes at most 1 MiB of a command's output, which escapes to several. */
const MOST_MESSAGE_BYTES = 64 * 1024 * 1024;

/** A request that the server refused. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

interface Message {
  id?: number | string;
  method?: string;
  params?: { threadId?: string | null };
  result?: unknown;
  error?: { message?: string };
}

/** One `codex app-server`: line-delimited JSON-RPC over its standard input and output. */
export class CodexServer {
  /** Exit status as a shell tells it, once the process has ended. */
  readonly ended: Promise<number>;
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, (message: Message) => void>();
  readonly #listeners = new Map<string, (notification: ThreadNotification) => void>();
  readonly #ending: (() => void)[] = [];
  readonly #starting: (() => void)[] = [];
  readonly #broken: (reason: string) => void;
  #lastId = 0;

  /**
   * Starts it. `said` gets each line of its standard error; `broken` is told once that an answer never came, after
   * which nothing can be expected of it.
   */
  constructor(
    command: readonly [string, ...string[]],
    { said, broken }: { said(line: string): void; broken(reason: string): void },
  ) {
    const [program, ...parameters] = command;
    this.#broken = broken;
    this.#child = spawn(program, parameters, { stdio: ['pipe', 'pipe', 'pipe'] });
    const { stdin, stdout, stderr } = this.#child;
    // Its end is told by `ended`.
    stdin?.on('error', () => undefined);
    if (stdout !== null) takeLines(stdout, (line) => this.#take(line), MOST_MESSAGE_BYTES);
    if (stderr !== null) takeLines(stderr, said);
    this.ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve(127));
      this.#child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 137)));
    });
  }

  async initialize(): Promise<void> {
    await this.request('initialize', {
      clientInfo: { name: 'offshoot', title: null, version },
      capabilities: {
        experimentalApi: true,
        requestAttestation: false,
        optOutNotificationMethods: UNREAD,
      },
    });
    this.#send({ method: 'initialized' });
  }

  /**
   * Resolves with the answer; rejects with `Refused`, or never settles when the server ends or breaks. One that is
   * `unwanted` before it was sent is not sent, and rejects with the signal's reason.
   */
  async request<Method extends keyof Requests>(
    method: Method,
    params: Requests[Method]['params'],
    unwanted?: AbortSignal,
  ): Promise<Requests[Method]['result']> {
    const line = ENDING.includes(method) ? this.#ending : this.#starting;
    while (this.#answers.size >= MOST_OUTSTANDING && !unwanted?.aborted) await waitIn(line, unwanted);
    if (unwanted?.aborted) {
      // It may have been called just before: then its turn is the next one's.
      if (this.#answers.size < MOST_OUTSTANDING) this.#callNext();
      throw unwanted.reason;
    }
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      // A server that has ended answers no more: nobody need stay for that.
      const late = setTimeout(() => this.#broken(`no answer to ${method}`), ANSWER_MS).unref();
      this.#answers.set(id, ({ result, error }) => {
        clearTimeout(late);
        if (error === undefined) resolve(result as Requests[Method]['result']);
        else reject(new Refused(error.message ?? `${method} was refused`));
      });
      this.#send({ id, method, params });
    });
  }

  /** Hands a thread's notifications on, in their order, until the answer is called. */
  listen(threadId: string, listener: (notification: ThreadNotification) => void): () => void {
    this.#listeners.set(threadId, listener);
    return () => void this.#listeners.delete(threadId);
  }

  /** Ends it: without input it leaves at once, and its commands with it. */
  close(): void {
    this.#child.stdin?.end();
  }

  #take(line: string): void {
    const message = parse(line);
    if (message === null) return;
    const threadId = message.params?.threadId;
    if (message.method === undefined) this.#answered(message);
    // Nothing is asked of a client whose policy is never to approve; what is asked all the same is refused.
    else if (message.id !== undefined) {
      this.#send({ id: message.id, error: { code: -32_601, message: 'Nobody is there to answer.' } });
    } else if (typeof threadId === 'string') this.#listeners.get(threadId)?.(message as ThreadNotification);
  }

  #answered(message: Message): void {
    const id = Number(message.id);
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    this.#callNext();
    answer?.(message);
  }

  #callNext(): void {
    (this.#ending.shift() ?? this.#starting.shift())?.();
  }

  #send(message: object): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}

/** Resolves when whoever stands first in the line is called, or once the wait is unwanted. */
function waitIn(line: (() => void)[], unwanted?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const leave = () => {
      line.splice(line.indexOf(called), 1);
      resolve();
    };
    const called = () => {
      unwanted?.removeEventListener('abort', leave);
      resolve();
    };
    unwanted?.addEventListener('abort', leave, { once: true });
    line.push(called);
  });
}

function parse(line: string): Message | null {
  try {
    return JSON.parse(line) as Message;
  } catch {
    return null;
  }
}
