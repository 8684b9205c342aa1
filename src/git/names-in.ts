import { readdirSync } from 'node:fs';

/**
 * The names in a directory; none where it is not there or cannot be read. Synchronous, like all that only names and
 * moves slots: each step is short, and waiting for it costs far more.
 */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
