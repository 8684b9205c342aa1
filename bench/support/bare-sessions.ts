import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from '../scenario.js';
import { httpSession } from './http-session.js';
import { submitOver } from './mcp-server.js';
import type { Submit } from './sessions.js';
import { stdioSession } from './stdio-session.js';

const program = fileURLToPath(new URL('./bare-server.js', import.meta.url));
/** All that a bridge must do: pass on what comes from either side. */
const relay =
  "const s = require('node:net').connect(process.argv[1]); process.stdin.pipe(s); s.pipe(process.stdout);";

/** Clients of a server that does nothing for them: what is left is Node's, the system's and the clients' own. */
export interface BareServer {
  /** Behind a process of its own that passes its lines on, as a bridge does. */
  relayClient(): Promise<Submit>;
  /** With a connection of its own over HTTP. */
  httpClient(): Promise<Submit>;
}

export async function bareServer(context: Context): Promise<BareServer> {
  const path = join(context.directory, 'bare.sock');
  const server = spawn(process.execPath, [program, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  context.atEnd(async () => {
    server.stdin.end();
    await ended;
  });
  const [port] = await once(server.stdout, 'data');
  const url = new URL(`http://127.0.0.1:${Number(port)}`);
  const clientOf = ({
    call,
    close,
  }: Awaited<ReturnType<typeof stdioSession | typeof httpSession>>): Submit => {
    context.atEnd(close);
    return (task) => submitOver(call, '', task);
  };
  return {
    relayClient: async () => clientOf(await stdioSession([process.execPath, '-e', relay, path], {})),
    httpClient: async () => clientOf(await httpSession(url, { 'content-type': 'application/json' })),
  };
}
