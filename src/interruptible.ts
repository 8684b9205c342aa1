/** Does work that the first SIGINT or SIGTERM asks to end, by its signal; the second ends the process at once. */
export async function interruptible<Value>(
  work: (interrupted: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const interrupted = new AbortController();
  const end = () => {
    off();
    interrupted.abort();
  };
  const off = () => process.off('SIGINT', end).off('SIGTERM', end);
  process.on('SIGINT', end).on('SIGTERM', end);
  try {
    return await work(interrupted.signal);
  } finally {
    off();
  }
}
