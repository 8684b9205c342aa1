import { randomUUID } from 'node:crypto';
import { type ErrorCode, envelope, type Fault, refuse } from '../errors.js';
import { errorResponse, isRequestId, parseObject, type RequestId, SERVER_ERROR } from '../ipc/json-rpc.js';
import { repeatedRequest } from './repeatable-request.js';
import { newRequest, type Request, Unanswered } from './unanswered.js';

/** What the bridge remembers of an MCP session, so that the client keeps it when the daemon does not. */
export interface Session {
  /** Notes a line of the client that is about to be sent, and gives it as it is to be sent. */
  sent(line: Buffer): Buffer;
  /** While there is no daemon: true if the line cancels a request. The next daemon is sent neither. */
  withdrawn(line: Buffer): boolean;
  /** Notes a line of the daemon, and gives what the client gets of it. */
  received(line: Buffer): Buffer | null;
  /** Lines that make a new daemon know the client, and its requests that are to be repeated. */
  introduction(): Buffer[];
  /** The daemon is gone. Answers the requests that no other will be sent; it was asked to stop if it went `onPurpose`. */
  lose(onPurpose: boolean): string[];
  /** There is no other daemon, for the reason told: answers all requests. */
  giveUp(fault: Fault): string[];
  /** True if `initialize` is unanswered and has not been sent to too many daemons already. */
  mayIntroduceAgain(): boolean;
  /** True when no answer is outstanding but of what listens, which is answered when it ends. */
  answered(): boolean;
}

/** A request that ends every daemon is not to end any number of them. */
const MAXIMUM_SENDS = 3;

const CANCELLED = 'notifications/cancelled';
const UPDATED = 'notifications/resources/updated';
const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';
const answerLost = refuse('answer_lost').fault;
const stopped = refuse('draining', { message: 'The daemon stopped before it answered.' }).fault;

export function rememberedSession(now = () => performance.now()): Session {
  const unanswered = new Unanswered();
  /** Requests of the bridge's own, with what the client gets in place of a good answer. */
  const replays = new Map<RequestId, Buffer | null>();
  const subscribed = new Set<string>();
  let initialize: { id: RequestId; line: Buffer; message: Record<string, unknown> } | null = null;
  let initialized: Buffer | null = null;
  let introductions = 0;

  /** The client's own request while it is unanswered, else a copy whose answer the client will not see. */
  function initializeAgain(request: NonNullable<typeof initialize>): Buffer {
    if (unanswered.has(request.id)) return request.line;
    return replay(request.message, null);
  }

  function replay(message: object, inPlaceOfAnswer: Buffer | null): Buffer {
    const id = `offshoot-${randomUUID()}`;
    replays.set(id, inPlaceOfAnswer);
    return Buffer.from(JSON.stringify({ ...message, id }));
  }

  /** What a resource came to while no daemon told of it, the client finds out by reading it. */
  const subscribeAgain = (uri: string): Buffer =>
    replay({ jsonrpc: '2.0', method: 'resources/subscribe', params: { uri } }, updated({ uri }));

  /** So it does where a request that listens is acknowledged by another daemon than the first. */
  function listensOn(line: Buffer, { params }: Record<string, unknown>): Buffer {
    const { _meta, notifications } = (params ?? {}) as Acknowledged;
    const request = unanswered.get(_meta?.[SUBSCRIPTION_ID] ?? '');
    if (request === undefined || request.sends === 1) return line;
    // It is none that ends every daemon.
    request.sends = 1;
    const uris = notifications?.resourceSubscriptions ?? [];
    return Buffer.from([line, ...uris.map((uri) => updated({ uri, _meta }))].join('\n'));
  }

  function noteSubscription({ uri, wanted }: NonNullable<Request['subscription']>): void {
    if (wanted) subscribed.add(uri);
    else subscribed.delete(uri);
  }

  function repeats(): Buffer[] {
    return unanswered.all().flatMap(([, request]) => {
      if (request.repeat === null) return [];
      request.sends += 1;
      request.progress.beforeThisDaemon = request.progress.told;
      return repeatedRequest(request.repeat, now() - request.since);
    });
  }

  const answer = (
    requests: readonly (readonly [RequestId, Request])[],
    faultOf: (id: RequestId, request: Request) => Fault,
  ) => {
    replays.clear();
    for (const [id] of requests) unanswered.remove(id);
    return requests.map(([id, request]) => failure(id, faultOf(id, request)));
  };

  const mayIntroduceAgain = () =>
    initialize !== null && unanswered.has(initialize.id) && introductions < MAXIMUM_SENDS;

  return {
    sent(line) {
      const message = parseObject(line);
      if (message === null || typeof message.method !== 'string') return line;
      if (message.method === 'initialize' && isRequestId(message.id))
        initialize = { id: message.id, line, message };
      if (message.method === 'notifications/initialized') initialized = line;
      if (message.method === CANCELLED) unanswered.remove(cancelledId(message));
      if (!isRequestId(message.id)) return line;
      const request = newRequest(message, line, now());
      unanswered.add(message.id, request);
      return request.repeat ?? line;
    },
    withdrawn(line) {
      const message = parseObject(line);
      if (message?.method !== CANCELLED) return false;
      unanswered.remove(cancelledId(message));
      return true;
    },
    received(line) {
      const message = parseObject(line);
      if (message === null) return line;
      if (message.method === ACKNOWLEDGED) return listensOn(line, message);
      if (!isRequestId(message.id) || 'method' in message) return unanswered.progressing(line, message);
      const request = unanswered.get(message.id);
      if (request?.subscription && 'result' in message) noteSubscription(request.subscription);
      unanswered.remove(message.id);
      if (request !== undefined && request.sends > 1 && mayHideAJob(message, request))
        return Buffer.from(failure(message.id, answerLost));
      if (message.id === initialize?.id) introductions = 0;
      const inPlaceOfAnswer = replays.get(message.id);
      if (!replays.delete(message.id)) return line;
      return 'result' in message ? (inPlaceOfAnswer ?? null) : null;
    },
    introduction() {
      if (initialize === null) return repeats();
      introductions += 1;
      const again = initializeAgain(initialize);
      const known = initialized === null ? [] : [initialized, ...[...subscribed].map(subscribeAgain)];
      return [again, ...known, ...repeats()];
    },
    mayIntroduceAgain,
    lose(onPurpose) {
      const stays = (id: RequestId, { repeat, sends }: Request) =>
        id === initialize?.id ? mayIntroduceAgain() : !onPurpose && repeat !== null && sends < MAXIMUM_SENDS;
      const lost = unanswered.all().filter(([id, request]) => !stays(id, request));
      return answer(lost, (_, { reads }) => (onPurpose && reads ? stopped : answerLost));
    },
    giveUp: (fault) =>
      answer(unanswered.all(), (id, { reads }) => (reads || id === initialize?.id ? fault : answerLost)),
    answered: () => unanswered.all().every(([, { listens }]) => listens),
  };
}

/** What the daemon will tell of to a request that listens. */
interface Acknowledged {
  _meta?: { [SUBSCRIPTION_ID]?: RequestId };
  notifications?: { resourceSubscriptions?: string[] };
}

const updated = (params: object) => Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: UPDATED, params }));

/** What is refused for its arguments was refused the first time, too. */
const REFUSED_FOR_ARGUMENTS: ReadonlySet<unknown> = new Set<ErrorCode>([
  'extra_args_rejected',
  'input_too_large',
  'invalid_arguments',
]);

/** Whether a daemon refused what an earlier one may have accepted. */
function mayHideAJob(answer: Record<string, unknown>, { keyed }: Request): boolean {
  const { isError, structuredContent } = (answer.result ?? {}) as {
    isError?: boolean;
    structuredContent?: { error?: { code?: unknown } };
  };
  const code = structuredContent?.error?.code;
  // Without a workspace_root the place is the client's root, which this daemon may have been told too late.
  if (code === 'idempotency_conflict') return true;
  return keyed && ('error' in answer || (isError === true && !REFUSED_FOR_ARGUMENTS.has(code)));
}

/** The daemon does not answer a request that was cancelled. */
const cancelledId = ({ params }: Record<string, unknown>) =>
  (params as { requestId?: RequestId })?.requestId ?? '';

/** The answer to a request that no daemon will answer. */
export const failure = (id: RequestId, fault: Fault): string =>
  errorResponse(id, SERVER_ERROR, fault.message, envelope(fault));
