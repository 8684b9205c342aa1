import type { Socket } from 'node:net';
import { type Line, lineSplitter } from '../lines.js';
import { inTurn } from '../turnstile.js';

/** Lines over a socket, in both directions. */
export interface LineConnection {
  /** Takes over the incoming lines and learns, once, that the connection is gone. To be called once. */
  listen(onLine: (line: Line) => void, onClose: () => void): void;
  /** Sends one line; nothing happens if the connection is gone. */
  send(line: string): void;
  /** Ends the connection once what was sent is on its way. */
  close(): void;
  /** Counts a request as at work until it ends. While there are too many, nothing more is read, and the peer has to wait. */
  begin(): Underway;
}

/** A request between its begin and its end. */
export interface Underway {
  /**
   * Tells that it does nothing but wait until the returned function is called: those that wait hold nobody up.
   * Null where so many wait that this one should not.
   */
  rest(): (() => void) | null;
  end(): void;
}

const MAXIMUM_AT_WORK = 1_000;
const MAXIMUM_WAITING = 10_000;

/** A peer that leaves this much unread is taken for dead, in bytes. */
const MAXIMUM_UNREAD_BYTES = 64 * 1024 * 1024;

/**
 * Wraps a connected socket; its errors end in `onClose`, never in an exception. Each line is taken as `begin` has it: in
 * turn where many ask, at once where somebody waits for what he asked for.
 */
export function lineConnection(socket: Socket, begin: (take: () => void) => void = inTurn): LineConnection {
  const splitter = lineSplitter();
  let atWork = 0;
  let waiting = 0;
  let gathering = false;

  /** What is sent until the loop turns leaves in one write: a store answers many at once, and so do we. */
  function gather(): void {
    if (gathering) return;
    gathering = true;
    socket.cork();
    setImmediate(() => {
      gathering = false;
      socket.uncork();
    });
  }

  /** Counts until the returned function is called. */
  function work(): () => void {
    atWork += 1;
    if (atWork >= MAXIMUM_AT_WORK) socket.pause();
    return () => {
      atWork -= 1;
      if (atWork === MAXIMUM_AT_WORK - 1) socket.resume();
    };
  }

  return {
    listen(onLine, onClose) {
      socket.on('data', (chunk) => {
        for (const line of splitter.push(chunk)) {
          const taken = work();
          begin(() => {
            onLine(line);
            taken();
          });
        }
      });
      // An error is always followed by 'close'.
      socket.on('error', () => {});
      if (socket.destroyed) queueMicrotask(onClose);
      else socket.once('close', () => begin(onClose));
      socket.resume();
    },
    send(line) {
      if (!socket.writable) return;
      gather();
      socket.write(`${line}\n`);
      if (socket.writableLength > MAXIMUM_UNREAD_BYTES) socket.destroy();
    },
    close: () => socket.destroySoon(),
    begin() {
      let done = work();
      return {
        rest() {
          if (waiting >= MAXIMUM_WAITING) return null;
          waiting += 1;
          done();
          return () => {
            waiting -= 1;
            done = work();
          };
        },
        end: () => done(),
      };
    },
  };
}
