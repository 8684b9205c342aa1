/**
 * Looks at something that costs, and shares the answer: with calls at the same time, and with later ones for
 * as long as `freshMs` says of the answer, in milliseconds. `look` must not reject.
 */
export function shareLook<T>(
  look: () => Promise<T>,
  freshMs: (answer: T) => number,
  now: () => number,
): () => Promise<T> {
  let current: Promise<T> | undefined;
  let freshUntil = 0;
  const lookNow = async () => {
    const answer = await look();
    freshUntil = now() + freshMs(answer);
    return answer;
  };
  return () => {
    if (current === undefined || now() >= freshUntil) {
      freshUntil = Number.POSITIVE_INFINITY;
      current = lookNow();
    }
    return current;
  };
}
