/**
 * A program of its own, that does of an MCP server only what any Node program must: over a Unix socket it answers each
 * line, and over HTTP each request, with a message as long as the handle of a job. It looks at nothing and keeps nothing.
 *
 * Argument: the path of its socket. It tells its HTTP port, and ends with its standard input.
 */
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** About as long as what `codex_delegate_async` answers. */
const handle = { job_id: 'x'.repeat(36), rest: 'x'.repeat(400) };
const answerTo = (text: string): string => {
  const result = { content: [{ type: 'text', text: JSON.stringify(handle) }], structuredContent: handle };
  return JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(text).id, result });
};

const [path = ''] = process.argv.slice(2);
createServer((socket) => {
  createInterface({ input: socket }).on('line', (line) => socket.write(`${answerTo(line)}\n`));
  socket.on('error', () => undefined);
}).listen(path, () => {
  const http = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const answer = answerTo(Buffer.concat(chunks).toString());
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) };
      response.writeHead(200, headers).end(answer);
    });
  });
  // Rounds of others lie between two requests.
  http.keepAliveTimeout = 0;
  http.listen(0, '127.0.0.1', () => process.stdout.write(String((http.address() as AddressInfo).port)));
});
process.stdin.on('end', () => process.exit()).resume();
