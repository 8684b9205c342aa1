import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/**
 * Whether a request may come from a web page or under a name that somebody else's DNS has given to this machine.
 * Only names that nobody else can point here are taken: the loopback's, addresses, this machine's own, and the one
 * that the user has said to serve at.
 */
export function comesFromElsewhere({ headers }: IncomingMessage, servedAt: string): boolean {
  const { host, origin } = headers;
  const name = host === undefined ? null : hostnameOf(`http://${host}`);
  if (name === null || !isOwnName(name, servedAt)) return true;
  if (origin === undefined) return false;
  const from = hostnameOf(origin);
  return from === null || !(isLoopback(from) || from === name);
}

export function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

function isOwnName(name: string, servedAt: string): boolean {
  if (isLoopback(name) || isIP(name) !== 0) return true;
  return name === servedAt.toLowerCase() || name === hostname().toLowerCase();
}

/** Without the brackets of an IPv6 address; null if the text is no origin of http or https. */
function hostnameOf(origin: string): string | null {
  if (!URL.canParse(origin)) return null;
  const { protocol, hostname: name, username, pathname } = new URL(origin);
  if (!/^https?:$/.test(protocol) || username !== '' || pathname !== '/') return null;
  return name.replace(/^\[(.*)\]$/, '$1');
}

/** What stands behind `Bearer`, or null. */
export function bearerOf({ headers }: IncomingMessage): string | null {
  return /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}
