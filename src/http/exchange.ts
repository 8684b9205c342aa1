import type { ServerResponse } from 'node:http';
import type { JSONRPCMessage, RequestId } from '@modelcontextprotocol/sdk/types.js';
import { textOf } from '../mcp/message-text.js';
import { noSuchSession, refuseHttp } from './answers.js';
import { type EventStream, eventStream } from './event-stream.js';

/** A request that is not answered after this time, in milliseconds, gets a stream, which is kept alive. */
const STREAM_AFTER_MS = 5_000;

/**
 * The response to one POST with requests in it. A single request that is answered soon is answered as JSON;
 * where there are several, or something has to be said before the answer, it is a stream.
 */
export class Exchange {
  /** Requests that are not answered yet. */
  readonly open: Set<RequestId>;
  readonly #response: ServerResponse;
  readonly #sessionId: string;
  readonly #patience: NodeJS.Timeout;
  #stream: EventStream | null = null;

  constructor(response: ServerResponse, ids: readonly RequestId[], sessionId: string) {
    this.open = new Set(ids);
    this.#response = response;
    this.#sessionId = sessionId;
    this.#patience = setTimeout(() => this.#streaming(), STREAM_AFTER_MS).unref();
    response.once('close', () => clearTimeout(this.#patience));
    if (ids.length > 1) this.#streaming();
  }

  /** Sends what goes before the answer: progress, or a question to the client. */
  tell(message: JSONRPCMessage): void {
    this.#streaming().send(message);
  }

  answer(id: RequestId, message: JSONRPCMessage): void {
    this.open.delete(id);
    if (this.#stream === null) this.#answerAsJson(message);
    else this.#stream.send(message);
    this.#endIfAnswered();
  }

  /** There will be no answer: the client took the request back. */
  giveUp(id: RequestId): void {
    this.open.delete(id);
    this.#streaming();
    this.#endIfAnswered();
  }

  /** The session has ended. */
  close(): void {
    clearTimeout(this.#patience);
    if (this.#stream === null) refuseHttp(this.#response, noSuchSession);
    else this.#stream.end();
  }

  #streaming(): EventStream {
    this.#stream ??= eventStream(this.#response, this.#sessionId);
    return this.#stream;
  }

  #answerAsJson(message: JSONRPCMessage): void {
    clearTimeout(this.#patience);
    const body = textOf(message);
    this.#response
      .writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'mcp-session-id': this.#sessionId,
      })
      .end(body);
  }

  #endIfAnswered(): void {
    if (this.open.size === 0) this.#stream?.end();
  }
}
