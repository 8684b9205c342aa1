import { createHash } from 'node:crypto';

/**
 * Opaque cursors: a position in something that can be told by `scope`, for example a patch by its hash. A
 * cursor of another scope is not understood, so that a stale one cannot skip or repeat anything unseen.
 */
export const encodeCursor = (position: number, scope: string): string =>
  Buffer.from(`${position}.${fingerprint(scope)}`).toString('base64url');

/** The position that `encodeCursor` was given for the same scope; null for any other text. */
export function decodeCursor(cursor: string, scope: string): number | null {
  const match = /^(\d{1,15})\.([0-9a-f]{16})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  return match?.[2] === fingerprint(scope) ? Number(match[1]) : null;
}

const fingerprint = (scope: string) => createHash('sha256').update(scope).digest('hex').slice(0, 16);
