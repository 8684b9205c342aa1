/** A duration for people: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1_440)} d ${Math.floor((minutes % 1_440) / 60)} h`;
}

export const clockTime = (instant: number) => new Date(instant).toLocaleTimeString([], { hour12: false });

export function count(number: number): string {
  if (number < 10_000) return number.toLocaleString('en');
  return number < 1_000_000 ? `${(number / 1_000).toFixed(1)} k` : `${(number / 1_000_000).toFixed(1)} M`;
}

export function bytes(number: number): string {
  if (number < 1_024) return `${number} B`;
  return number < 1_048_576 ? `${(number / 1_024).toFixed(1)} KiB` : `${(number / 1_048_576).toFixed(1)} MiB`;
}

export const shortId = (id: string) => id.slice(0, 8);

/** The directory a job works on, in short; a question may be about none. */
export const placeName = (workspaceRoot: string) =>
  workspaceRoot === ''
    ? 'no repository'
    : (workspaceRoot.split('/').findLast((part) => part !== '') ?? workspaceRoot);
