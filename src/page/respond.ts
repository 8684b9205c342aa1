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
export function writeLine(response: ServerResponse, value: unknown): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed || response.write(`${JSON.stringify(value)}\n`)) return resolve();
    response.once('drain', resolve).once('close', resolve);
  });
}
