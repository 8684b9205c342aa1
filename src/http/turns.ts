import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { inTurn } from '../turnstile.js';

type Serve = (incoming: IncomingMessage, response: ServerResponse) => void;

interface Connection {
  /** Requests without their whole answer on its way. */
  unanswered: number;
  /** The first stands in line. */
  waiting: (() => void)[];
}

/** A client that sends this many requests on one connection before it has read the answers is taken for a flood. */
const MAXIMUM_UNANSWERED = 100;

/**
 * Has requests served in turns: of a connection one stands in line, however many came in one piece, so that a client who
 * sends many holds no other up. One that leaves too many answers unread is cut off.
 */
export function inTurns(serve: Serve): Serve {
  const connections = new WeakMap<Socket, Connection>();

  function next(waiting: Connection['waiting']): void {
    waiting.shift()?.();
    if (waiting.length > 0) inTurn(() => next(waiting));
  }

  return (incoming, response) => {
    const { socket } = incoming;
    const connection = connections.get(socket) ?? { unanswered: 0, waiting: [] };
    connections.set(socket, connection);
    connection.unanswered += 1;
    if (connection.unanswered > MAXIMUM_UNANSWERED) {
      socket.destroy();
      return;
    }
    response.once('close', () => {
      connection.unanswered -= 1;
    });
    connection.waiting.push(() => socket.destroyed || serve(incoming, response));
    if (connection.waiting.length === 1) inTurn(() => next(connection.waiting));
  };
}
