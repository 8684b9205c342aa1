import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(value));
}

/** Begins an answer of one JSON document a line, for as long as the client listens. */
export function beginLines(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
}

/** Resolves once the client has room for more, or is gone. */
export async function writeLine(response: ServerResponse, value: unknown, gone: AbortSignal): Promise<void> {
  if (gone.aborted || response.write(`${JSON.stringify(value)}\n`)) return;
  await once(response, 'drain', { signal: gone }).catch(() => undefined);
}
