import { once } from 'node:events';
import { connect } from 'node:net';
import type { Answer } from './world.js';

/**
 * Tool calls, one at a time, in an HTTP session that was begun before, over one connection that is kept. A client that
 * does nothing else: Node's own takes half as long for a call as the daemon, the SDK's longer, and a hundred of them
 * share the process that measures.
 */
export async function httpSession(url: URL, headers: Record<string, string>) {
  const socket = connect(Number(url.port), url.hostname);
  await once(socket, 'connect');
  socket.setNoDelay(true).setEncoding('utf8');
  const head = Object.entries({ host: url.host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const beginning = `POST ${url.pathname} HTTP/1.1\r\n${head.join('')}content-length: `;
  let lastId = 1_000;
  let received = '';
  let underWay: { resolve(answer: string): void; reject(problem: Error): void } | null = null;
  socket.on('data', (text) => {
    received += text;
    if (!isWhole(received)) return;
    underWay?.resolve(received);
    received = '';
  });
  socket.on('error', (problem) => underWay?.reject(problem));
  socket.on('close', () => underWay?.reject(new Error('The daemon closed the connection.')));
  return {
    async call(tool: string, input: Record<string, unknown>): Promise<Answer> {
      lastId += 1;
      const params = { name: tool, arguments: input };
      const body = JSON.stringify({ jsonrpc: '2.0', id: lastId, method: 'tools/call', params });
      const answer = await new Promise<string>((resolve, reject) => {
        if (socket.destroyed) throw new Error('The connection was closed.');
        underWay = { resolve, reject };
        socket.write(`${beginning}${Buffer.byteLength(body)}\r\n\r\n${body}`);
      });
      // As a stream, if it took long.
      const message = /^(?:data: )?(\{.+\})$/m.exec(answer)?.[1];
      if (message === undefined) throw new Error(`${tool}: ${answer.slice(0, 300)}`);
      return resultOf(tool, message);
    },
    close: () => socket.destroy(),
  };
}

/** A response of known length when it is there, one that comes in chunks with the empty last one. */
function isWhole(response: string): boolean {
  const end = response.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const length = /^content-length: (\d+)/im.exec(response.slice(0, end))?.[1];
  if (length === undefined) return response.endsWith('\r\n0\r\n\r\n');
  return Buffer.byteLength(response.slice(end + 4)) >= Number(length);
}

/** What a tool answered in a JSON-RPC message; throws when it refused. */
export function resultOf(tool: string, message: string): Answer {
  const { result, error } = JSON.parse(message);
  if (result === undefined || result.isError)
    throw new Error(`${tool}: ${JSON.stringify(error ?? result.structuredContent).slice(0, 300)}`);
  return result.structuredContent;
}
