import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';

/**
 * Has a handler of web requests, which is what the MCP SDKs are, answer a request of Node's server. The body was
 * read already and is not in the web request; its `signal` aborts when the client goes away before the end.
 */
export async function answerAsWeb(
  incoming: IncomingMessage,
  response: ServerResponse,
  handle: (request: Request) => Promise<Response>,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => response.writableFinished || gone.abort());
  const answer = await handle(toWebRequest(incoming, gone.signal));
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body === null) {
    response.end();
    return;
  }
  response.flushHeaders();
  // A client that goes away in the middle is no error of ours.
  await pipeline(Readable.fromWeb(answer.body as ReadableStream), response).catch(() => {});
}

function toWebRequest({ method = 'GET', url = '/', headers }: IncomingMessage, signal: AbortSignal): Request {
  const entries = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  // The host was checked; nothing is made of it here.
  return new Request(new URL(url, 'http://localhost'), { method, headers: entries, signal });
}
