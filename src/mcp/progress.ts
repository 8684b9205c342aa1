/** Least time between two notices, in milliseconds. */
const INTERVAL_MS = 1_000;
/** Clients give up calls that say nothing for minutes, so the last notice is repeated after this time. */
const REPEAT_MS = 20_000;

export interface Progress {
  report(message: string): void;
  /** After it, nothing is sent any more: progress may not follow the response. */
  end(): void;
}

/**
 * Sends the first report at once and later ones at most once an interval; of those between, the last. What was
 * sent last is sent again when there is nothing new for long.
 */
export function coalescedProgress(
  send: (step: number, message: string) => void,
  { intervalMs = INTERVAL_MS, repeatMs = REPEAT_MS } = {},
): Progress {
  let step = 0;
  let waiting: string | null = null;
  /** Set while the interval since the last notice has not passed. */
  let pausing: NodeJS.Timeout | null = null;
  let repeating: NodeJS.Timeout | null = null;
  let ended = false;

  function sendNow(message: string): void {
    step += 1;
    waiting = null;
    clearTimers();
    pausing = setTimeout(sendWaiting, intervalMs).unref();
    repeating = setTimeout(sendNow, repeatMs, message).unref();
    send(step, message);
  }

  function sendWaiting(): void {
    pausing = null;
    if (waiting !== null) sendNow(waiting);
  }

  function clearTimers(): void {
    if (pausing !== null) clearTimeout(pausing);
    if (repeating !== null) clearTimeout(repeating);
  }

  return {
    report(message) {
      if (ended) return;
      if (pausing === null) sendNow(message);
      else waiting = message;
    },
    end() {
      ended = true;
      clearTimers();
    },
  };
}
