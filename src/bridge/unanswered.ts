import type { RequestId } from '../ipc/json-rpc.js';
import { isListening, isReading, repeatableRequest } from './repeatable-request.js';

/** A request without an answer. */
export interface Request {
  /** As it is sent, also to the next daemon; null for one that must not be sent twice. */
  repeat: Buffer | null;
  /** It only reads: its client may make it again. */
  reads: boolean;
  listens: boolean;
  /** Its idempotency key is the bridge's own, which the client cannot call again with. */
  keyed: boolean;
  /** Instant at which it came. */
  since: number;
  /** How many daemons it was sent to. */
  sends: number;
  progress: { token: unknown; told: number; beforeThisDaemon: number };
  /** What the client is subscribed to, or no longer, once the request is answered well. */
  subscription: { uri: string; wanted: boolean } | null;
}

/** The request that a message is, about to be sent to its first daemon; `line` is the message as it came. */
export function newRequest(message: Record<string, unknown>, line: Buffer, since: number): Request {
  const repeat = repeatableRequest(message, line);
  return {
    repeat,
    reads: isReading(message),
    listens: isListening(message),
    keyed: repeat !== null && repeat !== line,
    since,
    sends: 1,
    progress: progressOf(message),
    subscription: subscriptionOf(message),
  };
}

function progressOf({ params }: Record<string, unknown>): Request['progress'] {
  const { _meta: meta } = (params ?? {}) as { _meta?: { progressToken?: unknown } | null };
  return { token: meta?.progressToken, told: 0, beforeThisDaemon: 0 };
}

function subscriptionOf({ method, params }: Record<string, unknown>): Request['subscription'] {
  const { uri } = (params ?? {}) as { uri?: unknown };
  if (typeof uri !== 'string') return null;
  if (method !== 'resources/subscribe' && method !== 'resources/unsubscribe') return null;
  return { uri, wanted: method === 'resources/subscribe' };
}

/** The requests of a client that are without an answer, in the order in which they came. */
export class Unanswered {
  readonly #byId = new Map<RequestId, Request>();
  readonly #byProgressToken = new Map<unknown, Request>();

  has = (id: RequestId): boolean => this.#byId.has(id);
  get = (id: RequestId): Request | undefined => this.#byId.get(id);
  all = (): [RequestId, Request][] => [...this.#byId];

  add(id: RequestId, request: Request): void {
    this.remove(id);
    this.#byId.set(id, request);
    if (request.progress.token !== undefined) this.#byProgressToken.set(request.progress.token, request);
  }

  remove(id: RequestId): void {
    const request = this.#byId.get(id);
    if (request === undefined) return;
    this.#byId.delete(id);
    if (this.#byProgressToken.get(request.progress.token) === request)
      this.#byProgressToken.delete(request.progress.token);
  }

  /**
   * A line of the daemon as the client gets it: progress has to increase, also when a second daemon counts from the
   * start. Any other line is given back as it is.
   */
  progressing(line: Buffer, message: Record<string, unknown>): Buffer {
    const params = message.params as { progressToken?: unknown; progress?: unknown } | undefined;
    const { progressToken: token, progress: step } = params ?? {};
    if (message.method !== 'notifications/progress' || token === undefined || typeof step !== 'number')
      return line;
    const progress = this.#byProgressToken.get(token)?.progress;
    if (progress === undefined) return line;
    progress.told = progress.beforeThisDaemon + step;
    if (progress.beforeThisDaemon === 0) return line;
    return Buffer.from(JSON.stringify({ ...message, params: { ...params, progress: progress.told } }));
  }
}
