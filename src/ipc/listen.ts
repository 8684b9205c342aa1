import { once } from 'node:events';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { type Fault, type Outcome, refuse, succeed } from '../errors.js';
import { readFirstLine } from './first-line.js';
import {
  GOODBYE,
  HELLO_MAXIMUM_BYTES,
  HELLO_TIMEOUT_MS,
  type Hello,
  type Protocol,
  parseHello,
  type Welcome,
  welcomeLine,
} from './hello.js';
import { type LineConnection, lineConnection } from './line-connection.js';
import { checkSocketDirectory, makeSocketDirectory } from './socket-path.js';

export interface ListenRequest {
  path: string;
  version: string;
  /** Who takes over a connection once its hello was answered. */
  accept: Record<Protocol, (connection: LineConnection, hello: Hello) => void>;
  /** Why this client is not served; null to serve it. */
  refuse?: (hello: Hello) => Fault | null;
  helloTimeoutMs?: number;
  /** More clients than this are turned away. */
  maximumConnections?: number;
}

export interface Listener {
  /** How many clients are connected. */
  connections(): number;
  /** Takes no more clients, tells the connected ones that this is on purpose, and removes the socket. */
  close(): Promise<void>;
}

const MAXIMUM_CONNECTIONS = 2_000;
const LOOK_MS = 1_000;
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Listens for clients on a unix socket that only this user may open.
 * A socket file that is already there is removed: the caller holds the daemon lock, so it belongs to no one alive.
 * One that somebody removes later is made again.
 */
export async function listen(request: ListenRequest): Promise<Outcome<Listener>> {
  const { maximumConnections = MAXIMUM_CONNECTIONS } = request;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void welcome(socket));
  const bound = await bind(server, request.path);
  if (!bound.ok) return bound;
  // Errors are now of single connections, such as no file descriptor left for one more.
  server.on('error', () => {});
  const looking = setInterval(() => {
    if (existsSync(request.path)) return;
    server.close();
    void bind(server, request.path);
  }, LOOK_MS).unref();

  async function welcome(socket: Socket): Promise<void> {
    sockets.add(socket);
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    const limits = {
      maximumBytes: HELLO_MAXIMUM_BYTES,
      timeoutMs: request.helloTimeoutMs ?? HELLO_TIMEOUT_MS,
    };
    const line = await readFirstLine(socket, limits);
    if (line === null) socket.destroy();
    else receive(lineConnection(socket), parseHello(line));
  }

  function receive(connection: LineConnection, hello: Hello | null): void {
    const fault =
      hello === null ? notOurs : sockets.size > maximumConnections ? tooMany : request.refuse?.(hello);
    if (hello === null || fault) {
      turnAway(connection, fault ?? notOurs);
      return;
    }
    greetBack(connection, { version: request.version, pid: process.pid });
    request.accept[hello.protocol](connection, hello);
  }

  return succeed({
    connections: () => sockets.size,
    close() {
      clearInterval(looking);
      return closeAll(server, sockets);
    },
  });
}

const notOurs = refuse('invalid_arguments', { message: 'The first line is no hello of this link.' }).fault;
const tooMany = refuse('daemon_unavailable', { message: 'Too many clients are connected.' }).fault;

const greetBack = (connection: LineConnection, welcome: Welcome) => connection.send(welcomeLine(welcome));

function turnAway(connection: LineConnection, { code, message }: Fault): void {
  greetBack(connection, { refused: { code, message } });
  connection.close();
}

async function bind(server: Server, path: string): Promise<Outcome<null>> {
  try {
    makeSocketDirectory(path);
    const trusted = checkSocketDirectory(path);
    if (!trusted.ok) return trusted;
    rmSync(path, { force: true });
    await once(server.listen({ path, backlog: 511 }), 'listening');
    chmodSync(path, 0o600);
  } catch (error) {
    return refuse('daemon_unavailable', {
      message: 'The socket cannot be opened.',
      details: { path, reason: (error as Error).message },
    });
  }
  return succeed(null);
}

async function closeAll(server: Server, sockets: Set<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of sockets) socket.end(`${GOODBYE}\n`);
  const impatience = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, CLOSE_TIMEOUT_MS);
  await closed;
  clearTimeout(impatience);
}
