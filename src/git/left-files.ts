/** A file that a patch does not hold, for its size. */
export interface LeftFile {
  /** As `PatchFile` tells it. */
  path: string;
  /** What it takes on the disk, or in the patch where git could compare it. */
  bytes: number;
}

/** The largest, which have to go for the rest to take no more than `room`. */
export function findLargest<File extends { bytes: number }>(files: readonly File[], room: number): Set<File> {
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const largest = new Set<File>();
  for (const file of files.toSorted((one, other) => other.bytes - one.bytes)) {
    if (bytes <= room) break;
    largest.add(file);
    bytes -= file.bytes;
  }
  return largest;
}

const NAMED_FILES = 3;

/** Says what a patch of at most `maxPatchBytes` does not hold, with the names of the largest. */
export function describeLeft(left: readonly LeftFile[], maxPatchBytes: number): string {
  const largest = left.toSorted((one, other) => other.bytes - one.bytes).slice(0, NAMED_FILES);
  const names = largest.map(({ path, bytes }) => `${JSON.stringify(path)} (${bytes} bytes)`);
  const others = left.length - names.length;
  const all = others > 0 ? `${names.join(', ')} and ${others} more` : names.join(', ');
  return `The agent's changes are larger than the ${maxPatchBytes} bytes that a patch may hold. It is without ${all}.`;
}
