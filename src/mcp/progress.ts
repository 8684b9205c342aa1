/** Least time between two notices, in milliseconds. */
const INTERVAL_MS = 1_000;

export interface Progress {
  report(message: string): void;
  /** After it, nothing is sent any more: progress may not follow the response. */
  end(): void;
}

/** Sends the first report at once and later ones at most once an interval; of those between, the last. */
export function coalescedProgress(
  send: (step: number, message: string) => void,
  intervalMs = INTERVAL_MS,
): Progress {
  let step = 0;
  let waiting: string | null = null;
  let timer: NodeJS.Timeout | null = null;
  let ended = false;

  function sendNow(message: string): void {
    step += 1;
    waiting = null;
    timer = setTimeout(sendWaiting, intervalMs);
    timer.unref();
    send(step, message);
  }

  function sendWaiting(): void {
    timer = null;
    if (waiting !== null) sendNow(waiting);
  }

  return {
    report(message) {
      if (ended) return;
      if (timer === null) sendNow(message);
      else waiting = message;
    },
    end() {
      ended = true;
      if (timer !== null) clearTimeout(timer);
    },
  };
}
