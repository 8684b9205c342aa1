import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Transport, TransportSendOptions } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage, JSONRPCRequest, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { deliver } from '../mcp/deliver.js';
import { begunAlready, idInUse, type Refusal, refuseHttp, streamOpen } from './answers.js';
import { type EventStream, eventStream } from './event-stream.js';
import { Exchange } from './exchange.js';
import { isRequest } from './messages.js';

/**
 * One session of MCP's "Streamable HTTP", revisions 2025-03-26 to 2025-11-25, on Node's own requests and
 * responses: the SDK's transport makes web requests and streams of them, which costs more than most calls. What
 * requests may hold is checked before they get here. Nothing is kept for a client that lost its connection.
 */
export class SessionTransport implements Transport {
  readonly sessionId: string = randomUUID();
  onmessage?: Transport['onmessage'];
  onclose?: Transport['onclose'];
  onerror?: Transport['onerror'];
  #begun = false;
  /** By the ids of the requests that they have to answer. */
  readonly #exchanges = new Map<RequestId, Exchange>();
  /** For what belongs to no request. */
  #listening: EventStream | null = null;

  async start(): Promise<void> {}

  /** Takes the messages of a POST; the response is answered once its requests are. */
  receive(messages: readonly JSONRPCMessage[], response: ServerResponse): void {
    const requests = messages.filter(isRequest);
    const refusal = this.#refusalOf(requests);
    if (refusal !== null) {
      refuseHttp(response, refusal);
      return;
    }
    this.#begun = true;
    if (requests.length === 0) response.writeHead(202, { 'content-length': 0 }).end();
    else this.#exchange(requests, response);
    for (const message of messages) this.#take(message);
  }

  /** Answers a GET with the stream on which the client hears what belongs to no request; there is one at a time. */
  listen(response: ServerResponse): void {
    if (this.#listening !== null) {
      refuseHttp(response, streamOpen);
      return;
    }
    this.#listening = eventStream(response, this.sessionId);
    response.once('close', () => {
      this.#listening = null;
    });
  }

  async send(message: JSONRPCMessage, options?: TransportSendOptions): Promise<void> {
    if ('method' in message) {
      const { relatedRequestId } = options ?? {};
      if (relatedRequestId === undefined) this.#listening?.send(message);
      else this.#exchanges.get(relatedRequestId)?.tell(message);
    } else if (message.id !== undefined) {
      this.#exchangeOf(message.id)?.answer(message.id, message);
    }
  }

  async close(): Promise<void> {
    for (const exchange of new Set(this.#exchanges.values())) exchange.close();
    this.#exchanges.clear();
    this.#listening?.end();
    this.#listening = null;
    this.onclose?.();
  }

  #refusalOf(requests: readonly JSONRPCRequest[]): Refusal | null {
    if (this.#begun && requests.some(({ method }) => method === 'initialize')) return begunAlready;
    const ids = new Set(requests.map(({ id }) => id));
    const areFree = ids.size === requests.length && [...ids].every((id) => !this.#exchanges.has(id));
    return areFree ? null : idInUse;
  }

  #exchange(requests: readonly JSONRPCRequest[], response: ServerResponse): void {
    const ids = requests.map(({ id }) => id);
    const exchange = new Exchange(response, ids, this.sessionId);
    for (const id of ids) this.#exchanges.set(id, exchange);
    response.once('close', () => {
      // Nobody hears these answers any more: waits are over.
      for (const id of exchange.open) {
        this.#exchanges.delete(id);
        deliver(this, cancellationOf(id));
      }
    });
  }

  #take(message: JSONRPCMessage): void {
    if ('method' in message && message.method === 'notifications/cancelled') {
      // The server does not answer a request that was cancelled.
      const id = message.params?.requestId as RequestId;
      this.#exchangeOf(id)?.giveUp(id);
    }
    deliver(this, message);
  }

  /** Takes an exchange out from under one of its requests, which has its answer now. */
  #exchangeOf(id: RequestId): Exchange | undefined {
    const exchange = this.#exchanges.get(id);
    this.#exchanges.delete(id);
    return exchange;
  }
}

const cancellationOf = (requestId: RequestId): JSONRPCMessage => ({
  jsonrpc: '2.0',
  method: 'notifications/cancelled',
  params: { requestId, reason: 'The connection was closed.' },
});
