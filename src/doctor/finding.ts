/** What one look at this machine gave. */
export interface Finding {
  /** What was looked at, in a word or two. */
  name: string;
  /** With a problem no job can run; a warning costs something, or may become a problem. */
  level: 'ok' | 'warning' | 'problem';
  /** What was found, in one line. */
  found: string;
  /** The command or the step that mends it; null where nothing is to be mended. */
  mend: string | null;
}

export const well = (name: string, found: string): Finding => ({ name, level: 'ok', found, mend: null });
export const warning = (name: string, found: string, mend: string): Finding => ({
  name,
  level: 'warning',
  found,
  mend,
});
export const problem = (name: string, found: string, mend: string): Finding => ({
  name,
  level: 'problem',
  found,
  mend,
});

/** True if `found` is the same as `wanted`, or newer. Both count from the most significant part. */
export function isAtLeast(found: readonly number[], wanted: readonly number[]): boolean {
  const different = wanted.findIndex((part, index) => (found[index] ?? 0) !== part);
  return different < 0 || (found[different] ?? 0) > (wanted[different] ?? 0);
}

/** The numbers of a version in a text: `git version 2.39.5` gives 2, 39, 5; null where there is none. */
export function versionIn(text: string): number[] | null {
  return /\d+(?:\.\d+)+/.exec(text)?.[0].split('.').map(Number) ?? null;
}
