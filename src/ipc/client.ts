import type { Socket } from 'node:net';
import { type ErrorEnvelope, knownCode, type Outcome, refuse, succeed } from '../errors.js';
import { type Line, MAXIMUM_LINE_BYTES } from '../lines.js';
import type { DaemonConnection } from './connect.js';
import { type LineConnection, lineConnection } from './line-connection.js';

export interface CallOptions {
  /** Hears how a long call is going. */
  onReport?: (message: string) => void;
  /** Ends the call's wait; the daemon still answers. */
  signal?: AbortSignal;
}

interface Pending {
  onReport: ((message: string) => void) | undefined;
  resolve: (outcome: Outcome<unknown>) => void;
}

type Answer =
  | { id: number; report: string }
  | { id: number; ok: true; value: unknown }
  | ({ id: number } & ErrorEnvelope);

const clients = new WeakMap<Socket, ReturnType<typeof operationsClient>>();

/**
 * Calls an operation, or a verb of the daemon, over a connection whose hello named the protocol `operations`.
 * Any number of calls may be under way on one connection. Never rejects.
 *
 * @returns what the operation answered; `answer_lost` if the connection is lost first; `input_too_large` for a
 * call that no line can hold.
 */
export function callOperation(
  connection: DaemonConnection,
  operation: string,
  input: unknown,
  options: CallOptions = {},
): Promise<Outcome<unknown>> {
  const client =
    clients.get(connection.socket) ?? operationsClient(lineConnection(connection.socket, atOnce));
  clients.set(connection.socket, client);
  return client.call(operation, input, options);
}

const atOnce = (take: () => void) => take();

const tooLarge = refuse('input_too_large', {
  message: 'The call is larger than the limit.',
  details: { limit_bytes: MAXIMUM_LINE_BYTES },
});

function operationsClient(connection: LineConnection) {
  const pending = new Map<number, Pending>();
  const lost = refuse('answer_lost');
  let lastId = 0;
  let open = true;

  function take(line: Line): void {
    const answer = parse(line);
    // Nothing of ours: whoever answers there cannot be talked with.
    if (answer === null) connection.close();
    else settle(answer, pending.get(answer.id));
  }

  function settle(answer: Answer, call: Pending | undefined): void {
    if ('report' in answer) {
      call?.onReport?.(answer.report);
    } else {
      pending.delete(answer.id);
      call?.resolve(answer.ok ? succeed(answer.value) : { ok: false, fault: faultOf(answer) });
    }
  }

  connection.listen(take, () => {
    open = false;
    for (const call of pending.values()) call.resolve(lost);
    pending.clear();
  });

  return {
    call(operation: string, input: unknown, { onReport, signal }: CallOptions): Promise<Outcome<unknown>> {
      if (!open) return Promise.resolve(lost);
      lastId += 1;
      const id = lastId;
      const line = JSON.stringify({ id, operation, input, listens: onReport !== undefined });
      if (Buffer.byteLength(line) > MAXIMUM_LINE_BYTES) return Promise.resolve(tooLarge);
      connection.send(line);
      const cancel = () => connection.send(JSON.stringify({ cancel: id }));
      if (signal?.aborted) cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      return new Promise<Outcome<unknown>>((resolve) => pending.set(id, { onReport, resolve })).finally(() =>
        signal?.removeEventListener('abort', cancel),
      );
    },
  };
}

function parse(line: Line): Answer | null {
  try {
    return 'bytes' in line ? (JSON.parse(line.bytes.toString('utf8')) as Answer) : null;
  } catch {
    return null;
  }
}

/** The envelope back as the value it was made of. */
function faultOf({ error }: ErrorEnvelope) {
  return {
    code: knownCode(error.code, 'internal_error'),
    message: error.message,
    ...(error.details === undefined ? {} : { details: error.details }),
    ...(error.retry_after_ms === null ? {} : { retryAfterMs: error.retry_after_ms }),
    ...(error.repair.arguments === undefined ? {} : { repairArguments: error.repair.arguments }),
  };
}
