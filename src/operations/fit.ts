/**
 * As much of a text as takes at most `bytes` once it stands in JSON, and whether that is the whole of it. A
 * surrogate pair is never split.
 */
export function fitText(text: string, bytes: number): { text: string; whole: boolean } {
  if (encodedBytes(text) <= bytes) return { text, whole: true };
  let kept = text.slice(0, bytes);
  while (encodedBytes(kept) > bytes - ELLIPSIS_BYTES) {
    kept = kept.slice(0, Math.floor(kept.length * 0.8));
  }
  return { text: `${kept.replace(/[\uD800-\uDBFF]$/, '')}…`, whole: false };
}

/** The first items that together take at most `bytes` in JSON. */
export function fitList<T>(items: readonly T[], bytes: number): T[] {
  let used = 0;
  const end = items.findIndex((item) => {
    used += encodedBytes(item);
    return used > bytes;
  });
  return items.slice(0, end === -1 ? items.length : end);
}

const ELLIPSIS_BYTES = Buffer.byteLength('…');

const encodedBytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
