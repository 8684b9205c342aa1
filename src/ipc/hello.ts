import type { ErrorCode } from '../errors.js';
import type { Origin } from '../operations/operation.js';
import { version } from '../version.js';
import { ownOrigin } from './origin.js';

export type Protocol = 'mcp' | 'operations';

/** First line of a client: who it is and what it will speak. */
export interface Hello {
  protocol: Protocol;
  version: string;
  /** Directory the client runs in. */
  cwd: string;
  pid: number;
  origin: Origin;
}

/** The daemon's answer to it. */
export type Welcome = { version: string; pid: number } | { refused: { code: ErrorCode; message: string } };

/** Number of this link's protocol: the first member of every line that belongs to the link itself. */
const LINK = 1;

export const HELLO_MAXIMUM_BYTES = 64 * 1024;
export const HELLO_TIMEOUT_MS = 10_000;

/** Last line of a daemon that stops on purpose. After any other end of a connection, the daemon has died. */
export const GOODBYE = JSON.stringify({ offshoot: LINK, goodbye: true });

/** The hello of this process. */
export const ownHello = (protocol: Protocol): Hello => ({
  protocol,
  version,
  cwd: currentDirectory(),
  pid: process.pid,
  origin: ownOrigin(protocol === 'mcp' ? 'bridge' : 'command'),
});

/** The root directory when the one this process was started in is gone. */
function currentDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

export const helloLine = (hello: Hello): string => JSON.stringify({ offshoot: LINK, ...hello });
export const welcomeLine = (welcome: Welcome): string => JSON.stringify({ offshoot: LINK, ...welcome });

/** Null if the line is no hello of this link. */
export function parseHello(line: string): Hello | null {
  const value = parseLinkLine(line);
  if (value === null || (value.protocol !== 'mcp' && value.protocol !== 'operations')) return null;
  const { protocol, version, cwd, pid, origin } = value;
  if (typeof version !== 'string' || typeof cwd !== 'string' || !Number.isSafeInteger(pid)) return null;
  if (!isOrigin(origin)) return null;
  return { protocol, version, cwd, pid: pid as number, origin };
}

/** Null if the line is no answer to a hello: something else listens there. */
export function parseWelcome(line: string): Welcome | null {
  const value = parseLinkLine(line);
  if (value === null) return null;
  const { version, pid, refused } = value;
  if (isRefusal(refused)) return { refused };
  return typeof version === 'string' && typeof pid === 'number' ? { version, pid } : null;
}

const isOrigin = (value: unknown): value is Origin =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as { client?: unknown }).client === 'string' &&
  ['string', 'object'].includes(typeof (value as { parentJobId?: unknown }).parentJobId) &&
  isTextual((value as { variables?: unknown }).variables ?? {});

const isTextual = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((each) => typeof each === 'string');

const isRefusal = (value: unknown): value is { code: ErrorCode; message: string } =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as { code?: unknown }).code === 'string' &&
  typeof (value as { message?: unknown }).message === 'string';

function parseLinkLine(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    const ours =
      typeof value === 'object' && value !== null && (value as { offshoot?: unknown }).offshoot === LINK;
    return ours ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
