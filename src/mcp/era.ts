import { parseObject } from '../ipc/json-rpc.js';
import type { LineConnection } from '../ipc/line-connection.js';
import type { Line } from '../lines.js';

const PROTOCOL_VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';

/** Whether a message belongs to a revision without sessions: it names its revision itself, or asks for them. */
export function isStateless(message: unknown): boolean {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: { _meta?: object } | null };
  if (method === 'server/discover') return true;
  return Object.hasOwn(params?._meta ?? {}, PROTOCOL_VERSION_KEY);
}

/**
 * Gives a connection to the adapter of its client's era, which its first message tells. A client that only
 * looked whether there is the newer era may still begin a session.
 */
export function routeByEra(
  connection: LineConnection,
  serve: { session(leg: LineConnection): void; stateless(leg: LineConnection): void },
): void {
  let session: Leg | null = null;
  let stateless: Leg | null = null;

  function open(into: (leg: LineConnection) => void): Leg {
    const leg = newLeg(connection);
    into(leg.connection);
    return leg;
  }

  function legFor(line: Line): Leg {
    if (session !== null) return session;
    const message = 'bytes' in line ? parseObject(line.bytes) : null;
    if (isStateless(message) || (stateless !== null && message?.method !== 'initialize')) {
      stateless ??= open(serve.stateless);
      return stateless;
    }
    session = open(serve.session);
    return session;
  }

  connection.listen(
    (line) => legFor(line).take(line),
    () => {
      session?.gone();
      stateless?.gone();
    },
  );
}

interface Leg {
  connection: LineConnection;
  take(line: Line): void;
  gone(): void;
}

/** The connection as one adapter sees it. What comes before the adapter listens is kept for it. */
function newLeg(whole: LineConnection): Leg {
  let listener: { onLine(line: Line): void; onClose(): void } | null = null;
  const early: { line: Line; done: () => void }[] = [];
  let isGone = false;
  return {
    connection: {
      ...whole,
      listen(onLine, onClose) {
        listener = { onLine, onClose };
        for (const { line, done } of early.splice(0)) {
          done();
          onLine(line);
        }
        if (isGone) onClose();
      },
    },
    take(line) {
      if (listener === null) early.push({ line, done: whole.begin().end });
      else listener.onLine(line);
    },
    gone() {
      isGone = true;
      listener?.onClose();
    },
  };
}
