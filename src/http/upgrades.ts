import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { comesFromElsewhere } from './guard.js';
import type { OpenByToken } from './open-by-token.js';
import type { Site } from './site.js';
import { nameOfToken } from './tokens.js';

/**
 * Lets WebSockets through to the site under the rules of every other request. A browser can give a WebSocket no
 * header, so that its token is the parameter `token` of the address.
 */
export function acceptUpgrades(
  server: Server,
  site: Site,
  { stateDir, servedAt, open }: { stateDir: string; servedAt: string; open: OpenByToken },
): void {
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (comesFromElsewhere(incoming, servedAt)) return refuse(socket, 403);
    // Not as a URL, which not everything is that a client may send here: `//`.
    const [path = '', query] = (incoming.url ?? '').split('?', 2);
    const token = new URLSearchParams(query).get('token') ?? '';
    if (nameOfToken(stateDir, token) === null) return refuse(socket, 401);
    open.watch(socket, token);
    if (!site.upgrade(incoming, socket, head, path)) refuse(socket, 404);
  });
}

function refuse(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
