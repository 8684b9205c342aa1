import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { clientGone } from './client-gone.js';

/** Headers that go by themselves cost as much as an answer, so they wait this long for its first bytes, in milliseconds. */
const HEADERS_WAIT_MS = 50;

/**
 * Has a handler of web requests, which is what the MCP SDKs are, answer a request of Node's server. The body was
 * read already and is not in the web request; its `signal` aborts when the client goes away before the end.
 */
export async function answerAsWeb(
  incoming: IncomingMessage,
  response: ServerResponse,
  handle: (request: Request) => Promise<Response>,
): Promise<void> {
  const gone = clientGone(response);
  const answer = await handle(toWebRequest(incoming, gone));
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  if (answer.body === null) response.end();
  else await send(answer.body, response, gone);
}

/** Without the streams' own `pipeline`, which costs more than all else of a short answer. */
async function send(
  body: ReadableStream<Uint8Array>,
  response: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  // A client that goes away in the middle is no error of ours.
  const giveUp = () => void reader.cancel().catch(() => {});
  gone.addEventListener('abort', giveUp, { once: true });
  if (gone.aborted) giveUp();
  const flush = setTimeout(() => response.flushHeaders(), HEADERS_WAIT_MS);
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      clearTimeout(flush);
      if (!response.write(part.value)) await once(response, 'drain', { signal: gone });
    }
    response.end();
  } catch {
    response.destroy();
  } finally {
    clearTimeout(flush);
  }
}

function toWebRequest({ method = 'GET', url = '/', headers }: IncomingMessage, signal: AbortSignal): Request {
  const entries = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  // The host was checked; nothing is made of it here.
  return new Request(new URL(url, 'http://localhost'), { method, headers: entries, signal });
}
