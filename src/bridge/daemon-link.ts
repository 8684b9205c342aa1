import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { GOODBYE } from '../ipc/hello.js';
import { type Line, lineSplitter } from '../lines.js';

export interface DaemonLink {
  /** Resolves once the daemon can take more, or is gone. */
  send(line: Buffer): Promise<void>;
  close(): void;
}

export interface LinkEnd {
  /** The daemon stopped on purpose; otherwise it died. */
  onPurpose: boolean;
  /** How long the connection held, in milliseconds. */
  livedMs: number;
}

const NEWLINE = Buffer.from('\n');
const goodbye = Buffer.from(GOODBYE);

/**
 * Copies lines from the daemon to the client, as far as `receive` gives back something to pass on; reads no
 * faster than the client does.
 */
export function daemonLink(
  socket: Socket,
  client: Writable,
  receive: (line: Line) => Buffer | null,
  onEnd: (end: LinkEnd) => void,
): DaemonLink {
  const splitter = lineSplitter();
  const openedAt = performance.now();
  let onPurpose = false;

  function read(chunk: Buffer): void {
    for (const line of splitter.push(chunk)) {
      if ('bytes' in line && line.bytes.equals(goodbye)) onPurpose = true;
      else pass(receive(line));
    }
    if (!client.writableNeedDrain) return;
    socket.pause();
    client.once('drain', () => socket.resume());
  }

  function pass(bytes: Buffer | null): void {
    if (bytes !== null) client.write(Buffer.concat([bytes, NEWLINE]));
  }

  socket.on('data', read);
  socket.once('close', () => onEnd({ onPurpose, livedMs: performance.now() - openedAt }));

  socket.resume();

  return {
    send(line) {
      if (socket.destroyed || socket.write(Buffer.concat([line, NEWLINE]))) return Promise.resolve();
      return new Promise((resolve) => {
        const done = () => {
          socket.off('drain', done).off('close', done);
          resolve();
        };
        socket.once('drain', done).once('close', done);
      });
    },
    close: () => socket.destroySoon(),
  };
}
