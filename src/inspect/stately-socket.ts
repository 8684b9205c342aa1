import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Feed, Watch } from './feed.js';
import { statelyTranslator } from './stately.js';

/** Receivers send nothing but a close. */
const MOST_RECEIVED_BYTES = 4_096;
/** A receiver that is this far behind gets nothing more until it has caught up. */
const BEHIND_BYTES = 1024 * 1024;
const CATCH_UP_MS = 100;
/** How often is looked whether it has, until it is taken for dead: half a minute. */
const MOST_LOOKS = 300;
const USE_MS = 30_000;

export interface StatelySocket {
  /** Makes a WebSocket of a connection that was let through, and sends it the feed. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

/**
 * Serves the feed to receivers of `@statelyai/inspect`. One that does not read for long is cut off. While one is
 * there, `called` is called from time to time.
 */
export function statelySocket(
  feed: Feed,
  definition: string,
  called: () => void,
  mostLooks = MOST_LOOKS,
): StatelySocket {
  const server = new WebSocketServer({ noServer: true, maxPayload: MOST_RECEIVED_BYTES });

  function serve(socket: WebSocket): void {
    const translate = statelyTranslator(definition);
    let catchingUp: NodeJS.Timeout | undefined;
    const watch: Watch | null = feed.watch({
      send(frame) {
        for (const message of translate(frame)) socket.send(JSON.stringify(message));
        if (socket.bufferedAmount < BEHIND_BYTES) return true;
        lookAgain(mostLooks);
        return false;
      },
    });
    function lookAgain(looks: number): void {
      catchingUp = setTimeout(() => {
        if (socket.bufferedAmount < BEHIND_BYTES) watch?.resume();
        else if (looks > 1) lookAgain(looks - 1);
        else socket.terminate();
      }, CATCH_UP_MS);
    }
    // Somebody looks on: the daemon is of use.
    const using = setInterval(called, USE_MS);
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      clearTimeout(catchingUp);
      clearInterval(using);
      watch?.close();
    });
    // 1013: try again later.
    if (watch === null) socket.close(1013);
  }

  return {
    accept: (request, socket, head) => server.handleUpgrade(request, socket, head, serve),
    close() {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}
