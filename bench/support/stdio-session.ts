import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { resultOf } from './http-session.js';
import type { Answer } from './world.js';

/** Tool calls, one at a time, to a server over stdio, by a client that does nothing else: see `httpSession`. */
export async function stdioSession(command: readonly string[], env: Record<string, string>) {
  const [program = '', ...words] = command;
  const server = spawn(program, words, { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = once(server, 'exit');
  const gone = (): never => {
    throw new Error(`${program} has ended.`);
  };
  server.stdin.on('error', () => undefined);
  const lines = createInterface({ input: server.stdout });
  let lastId = 0;
  const send = (message: object) => server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  async function request(method: string, params: object): Promise<string> {
    lastId += 1;
    const answered = once(lines, 'line');
    send({ id: lastId, method, params });
    const [line] = await Promise.race([answered, ended.then(gone)]);
    return line;
  }
  const clientInfo = { name: 'offshoot-bench', version: '1' };
  await request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  send({ method: 'notifications/initialized' });
  return {
    async call(tool: string, input: Record<string, unknown>): Promise<Answer> {
      return resultOf(tool, await request('tools/call', { name: tool, arguments: input }));
    },
    async close() {
      server.stdin.end();
      await ended;
    },
  };
}
