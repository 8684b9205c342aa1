/** A signal that is aborted with another one, or when time is up, whichever comes first. */
export interface TimeLimit {
  signal: AbortSignal;
  /** Lets go of the timer and of the other signal; to be called when what is limited is over. */
  release(): void;
}

/**
 * Limits what `signal` can end to `milliseconds` as well. Not `AbortSignal.any` with `AbortSignal.timeout`: on
 * Node 20 nothing holds the latter, and once it is collected, time is never up.
 */
export function limitTime(signal: AbortSignal, milliseconds: number): TimeLimit {
  const controller = new AbortController();
  const end = () => controller.abort();
  const timer = setTimeout(end, milliseconds);
  if (signal.aborted) end();
  else signal.addEventListener('abort', end);
  return {
    signal: controller.signal,
    release() {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
    },
  };
}
