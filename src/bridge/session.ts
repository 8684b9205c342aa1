import { randomUUID } from 'node:crypto';
import { envelope, type Fault } from '../errors.js';
import { errorResponse, isRequestId, parseObject, type RequestId, SERVER_ERROR } from '../ipc/json-rpc.js';

/** What the bridge remembers of an MCP session, so that the client keeps it when the daemon does not. */
export interface Session {
  /** Notes a line of the client that is about to be sent. */
  sent(line: Buffer): void;
  /** Notes a line of the daemon. False if it is for the bridge alone. */
  received(line: Buffer): boolean;
  /** Lines that make a new daemon know the client. */
  introduction(): Buffer[];
  /** Takes the requests in flight for lost, `initialize` excepted if it is kept, and answers them. */
  lose(fault: Fault, keepInitialize: boolean): string[];
  /** True if `initialize` is unanswered and has not been sent to too many daemons already. */
  mayIntroduceAgain(): boolean;
  /** True when no answer is outstanding. */
  answered(): boolean;
}

const MAXIMUM_INTRODUCTIONS = 3;

export function rememberedSession(): Session {
  const inFlight = new Set<RequestId>();
  const replays = new Set<RequestId>();
  let initialize: { id: RequestId; line: Buffer; message: Record<string, unknown> } | null = null;
  let initialized: Buffer | null = null;
  let introductions = 0;

  /** The client's own request while it is unanswered, else a copy whose answer the client will not see. */
  function initializeAgain(request: NonNullable<typeof initialize>): Buffer {
    if (inFlight.has(request.id)) return request.line;
    const id = `offshoot-${randomUUID()}`;
    replays.add(id);
    return Buffer.from(JSON.stringify({ ...request.message, id }));
  }

  return {
    sent(line) {
      const message = parseObject(line);
      if (message === null || typeof message.method !== 'string') return;
      if (isRequestId(message.id)) inFlight.add(message.id);
      if (message.method === 'initialize' && isRequestId(message.id))
        initialize = { id: message.id, line, message };
      if (message.method === 'notifications/initialized') initialized = line;
      if (message.method === 'notifications/cancelled') inFlight.delete(cancelledId(message));
    },
    received(line) {
      const message = parseObject(line);
      if (message === null || !isRequestId(message.id) || 'method' in message) return true;
      inFlight.delete(message.id);
      if (message.id === initialize?.id) introductions = 0;
      return !replays.delete(message.id);
    },
    introduction() {
      if (initialize === null) return [];
      introductions += 1;
      return initialized === null
        ? [initializeAgain(initialize)]
        : [initializeAgain(initialize), initialized];
    },
    mayIntroduceAgain: () =>
      initialize !== null && inFlight.has(initialize.id) && introductions < MAXIMUM_INTRODUCTIONS,
    lose(fault, keepInitialize) {
      const lost = [...inFlight].filter((id) => !(keepInitialize && id === initialize?.id));
      for (const id of lost) inFlight.delete(id);
      replays.clear();
      return lost.map((id) => failure(id, fault));
    },
    answered: () => inFlight.size === 0,
  };
}

/** The daemon does not answer a request that was cancelled. */
const cancelledId = ({ params }: Record<string, unknown>) =>
  (params as { requestId?: RequestId })?.requestId ?? '';

/** The answer to a request that no daemon will answer. */
export const failure = (id: RequestId, fault: Fault): string =>
  errorResponse(id, SERVER_ERROR, fault.message, envelope(fault));
