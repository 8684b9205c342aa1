import type { ServerResponse } from 'node:http';

/**
 * Finds clients that do not read what they are sent: a response that has bytes waiting, and of which nothing has
 * left between two sweeps, is cut off, so that what waits for its reader cannot grow for ever.
 */
export function unreadResponses() {
  /** Open responses, with how much had left their socket at the last sweep that found bytes waiting. */
  const open = new Map<ServerResponse, number | null>();
  return {
    watch(response: ServerResponse): void {
      open.set(response, null);
      response.once('close', () => open.delete(response));
    },
    sweep(): void {
      for (const [response, before] of open) {
        const { socket } = response;
        const waiting = (socket?.writableLength ?? 0) > 0;
        const left = waiting ? (socket?.bytesWritten ?? 0) - (socket?.writableLength ?? 0) : null;
        if (left !== null && left === before) response.destroy();
        else open.set(response, left);
      }
    },
  };
}
