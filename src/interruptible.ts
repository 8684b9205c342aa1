/**
 * Does work that is asked to end, by its signal, when its terminal goes, nobody reads its output any more, or SIGINT or
 * SIGTERM comes; the second of these two ends the process at once.
 */
export async function interruptible<Value>(
  work: (interrupted: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const interrupted = new AbortController();
  const end = () => interrupted.abort();
  const endOnce = () => {
    process.off('SIGINT', endOnce).off('SIGTERM', endOnce);
    end();
  };
  // Anywhere else an output that breaks ends the process.
  const others = process.stdout.rawListeners('error') as ((error: Error) => void)[];
  process.stdout.removeAllListeners('error').on('error', end);
  // A terminal that goes may send it more than once.
  process.on('SIGHUP', end).on('SIGINT', endOnce).on('SIGTERM', endOnce);
  try {
    return await work(interrupted.signal);
  } finally {
    process.off('SIGHUP', end).off('SIGINT', endOnce).off('SIGTERM', endOnce);
    process.stdout.off('error', end);
    for (const listener of others) process.stdout.on('error', listener);
  }
}
