import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Finds clients that do not read what they are sent, so that what waits for its reader cannot grow for ever. Both of
 * its looks are to be called from time to time; a response is watched until it is closed.
 */
export function unreadResponses(maximumUnreadBytes: number) {
  /** Open responses, with how much had left their socket at the last sweep that found bytes waiting. */
  const open = new Map<ServerResponse, number | null>();
  return {
    watch(response: ServerResponse): void {
      open.set(response, null);
      response.once('close', () => open.delete(response));
    },
    /** Cuts off a response that has bytes waiting, and of which nothing has left since the last sweep. */
    sweep(): void {
      for (const [response, before] of open) {
        const { socket } = response;
        const waiting = (socket?.writableLength ?? 0) > 0;
        const left = waiting ? (socket?.bytesWritten ?? 0) - (socket?.writableLength ?? 0) : null;
        if (left !== null && left === before) response.destroy();
        else open.set(response, left);
      }
    },
    /** Cuts off a connection whose responses have more waiting than they may, all together. */
    trim(): void {
      const unread = new Map<Socket, number>();
      for (const response of open.keys()) {
        const { socket } = response.req;
        unread.set(socket, (unread.get(socket) ?? 0) + response.writableLength);
      }
      for (const [socket, bytes] of unread) if (bytes > maximumUnreadBytes) socket.destroy();
    },
  };
}
