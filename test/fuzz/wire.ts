import { once } from 'node:events';
import { connect } from 'node:net';
import { helloLine, ownHello, type Protocol } from '../../src/ipc/hello.js';
import { socketPath } from '../../src/ipc/socket-path.js';
import { lineSplitter } from '../../src/lines.js';

// biome-ignore lint/suspicious/noExplicitAny: answers are checked by the operations' own schemas.
type Message = any;

/** A connection that sends lines as they are, and gives the answers by their id. */
export interface Wire {
  /** Answers the message with this id; null if the daemon closes the connection first. */
  ask(id: number, line: string | Buffer): Promise<Message | null>;
  send(line: string | Buffer): void;
  /** Reads nothing more. */
  pause(): void;
  close(): void;
}

/** Connects as a client of either protocol to the daemon of a state directory. */
export async function openWire(stateDir: string, protocol: Protocol): Promise<Wire> {
  const socket = connect(socketPath(stateDir));
  const waiting = new Map<number, (message: Message | null) => void>();
  const splitter = lineSplitter(64 * 1024 * 1024);
  let welcomed: () => void = () => undefined;
  const welcome = new Promise<void>((resolve) => {
    welcomed = resolve;
  });

  const take = (message: Message) => {
    if ('offshoot' in message) return welcomed();
    if (message.report !== undefined || message.method !== undefined) return;
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  };
  socket.on('data', (chunk) => {
    for (const line of splitter.push(chunk)) if ('bytes' in line) take(JSON.parse(line.bytes.toString()));
  });
  socket.on('error', () => undefined);
  // A daemon that dies before it answered the hello.
  socket.on('close', () => {
    welcomed();
    for (const resolve of waiting.values()) resolve(null);
  });
  await once(socket, 'connect');
  const send = (line: string | Buffer) => {
    socket.write(line);
    socket.write('\n');
  };
  send(helloLine(ownHello(protocol)));
  await welcome;
  return {
    send,
    ask: (id, line) =>
      new Promise((resolve) => {
        if (socket.destroyed) return resolve(null);
        waiting.set(id, resolve);
        send(line);
      }),
    pause: () => void socket.pause(),
    close: () => void socket.destroy(),
  };
}
