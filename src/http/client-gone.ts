import type { ServerResponse } from 'node:http';

/** Aborted once the client has gone away before the end of its answer, which it may have done already. */
export function clientGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  const look = () => response.writableFinished || gone.abort();
  if (response.destroyed) look();
  else response.once('close', look);
  return gone.signal;
}
