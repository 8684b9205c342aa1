import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { parseObject } from '../ipc/json-rpc.js';
import { afterWaiting, onlyReads, startsWork } from '../ipc/repeatable.js';
import { MAXIMUM_LINE_BYTES } from '../lines.js';

const LISTEN = 'subscriptions/listen';

const READING_METHODS: ReadonlySet<unknown> = new Set([
  'ping',
  'completion/complete',
  'prompts/get',
  'prompts/list',
  'resources/list',
  'resources/read',
  'resources/subscribe',
  'resources/templates/list',
  'resources/unsubscribe',
  'server/discover',
  LISTEN,
  'tasks/get',
  'tools/list',
]);

/** Whether a request only reads or listens: made again, it does no more than the first. */
export const isReading = ({ method, params }: Record<string, unknown>): boolean =>
  READING_METHODS.has(method) || (method === 'tools/call' && onlyReads(objectOf(params).name));

/** Whether a request asks to be told of changes until its client takes it back. */
export const isListening = ({ method }: Record<string, unknown>): boolean => method === LISTEN;

/**
 * The line of a request as two daemons may be sent it, one after the other, and the work is done once; null if that
 * cannot be. A call that starts work gets an idempotency key of the bridge's own where the client gave none.
 */
export function repeatableRequest(message: Record<string, unknown>, line: Buffer): Buffer | null {
  if (READING_METHODS.has(message.method)) return line;
  if (message.method !== 'tools/call') return null;
  const params = objectOf(message.params);
  if (onlyReads(params.name)) return line;
  return startsWork(params.name) ? withKey(message, line) : null;
}

function withKey(message: Record<string, unknown>, line: Buffer): Buffer | null {
  const params = objectOf(message.params);
  const input = objectOf(params.arguments);
  if (input.idempotency_key !== undefined) return line;
  // Written anew, bytes that are no UTF-8 would pass for characters.
  if (!isUtf8(line)) return null;
  const keyed = { ...input, idempotency_key: randomUUID() };
  const written = Buffer.from(JSON.stringify({ ...message, params: { ...params, arguments: keyed } }));
  return written.length <= MAXIMUM_LINE_BYTES ? written : null;
}

/** A repeatable request as the next daemon is sent it, so long after it came. */
export function repeatedRequest(line: Buffer, milliseconds: number): Buffer {
  const message = parseObject(line);
  const params = objectOf(message?.params);
  const input = objectOf(params.arguments);
  const left = afterWaiting(params.name, input, milliseconds);
  if (left === input) return line;
  return Buffer.from(JSON.stringify({ ...message, params: { ...params, arguments: left } }));
}

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
