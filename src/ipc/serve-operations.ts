import { envelope, type Fault, type Outcome, refuse } from '../errors.js';
import type { Line } from '../lines.js';
import type { Log } from '../log.js';
import { invoke } from '../operations/invoke.js';
import type { Call, House, Operation } from '../operations/operation.js';
import { sharedText } from '../operations/shared-answer.js';
import type { Hello } from './hello.js';
import type { LineConnection } from './line-connection.js';

/** A verb of the daemon itself, such as `daemon.stop`, that is no operation on jobs. */
export type Control = Record<
  string,
  (input: unknown, call: Pick<Call, 'origin' | 'report' | 'signal'>) => Promise<Outcome<unknown>>
>;

export interface OperationsService {
  operations: readonly Operation[];
  house: House;
  control: Control;
  log: Log;
}

interface Request {
  id: number;
  operation: string;
  input: unknown;
  /** False where nobody would read a report. */
  listens?: boolean;
}

/**
 * Serves the command line. One JSON document a line:
 * `{ id, operation, input, listens }` is answered by any number of `{ id, report }` and then `{ id, ok: true, value }`
 * or the error envelope with the `id`; `{ cancel: id }` aborts a request. Requests run side by side.
 */
export function serveOperations(connection: LineConnection, hello: Hello, service: OperationsService): void {
  const underway = new Map<number, AbortController>();

  async function answer({ id, operation, input, listens = true }: Request): Promise<void> {
    const controller = new AbortController();
    const { rest, end } = connection.begin();
    underway.set(id, controller);
    const call: Call = {
      house: service.house,
      origin: hello.origin,
      defaultWorkspace: async () => hello.cwd,
      // Most operations never look at it, and it costs more than all the rest of a call that only looks.
      get signal() {
        return controller.signal;
      },
      rest,
      listens,
      report: (message) => {
        if (listens) connection.send(JSON.stringify({ id, report: message }));
      },
    };
    const control = Object.hasOwn(service.control, operation) ? service.control[operation] : undefined;
    const outcome =
      control === undefined
        ? await invoke(service.operations, operation, input, call, service.log)
        : await control(input, call).catch(brokenControl);
    underway.delete(id);
    end();
    connection.send(textOf(id, outcome));
  }

  function brokenControl(error: unknown): Outcome<unknown> {
    service.log.error({ err: error }, 'a control verb threw');
    return refuse('internal_error');
  }

  function take(line: Line): void {
    const message = 'bytes' in line ? parse(line.bytes) : null;
    if (typeof message?.cancel === 'number') underway.get(message.cancel)?.abort();
    else if (isRequest(message) && !underway.has(message.id)) void answer(message);
    else reject(refuse('invalid_arguments', { message: 'The line is no request of this protocol.' }).fault);
  }

  /** A client of ours sends no such line, so there is nothing to go on with. */
  function reject(fault: Fault): void {
    connection.send(JSON.stringify({ id: null, ...envelope(fault) }));
    connection.close();
  }

  connection.listen(take, () => {
    for (const controller of underway.values()) controller.abort();
  });
}

function textOf(id: number, outcome: Outcome<unknown>): string {
  if (!outcome.ok) return JSON.stringify({ id, ...envelope(outcome.fault) });
  const shared = sharedText(outcome.value);
  return shared === undefined
    ? JSON.stringify({ id, ...outcome })
    : `{"id":${id},"ok":true,"value":${shared}}`;
}

function parse(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

const isRequest = (message: Record<string, unknown> | null): message is Record<string, unknown> & Request =>
  Number.isSafeInteger(message?.id) &&
  typeof message?.operation === 'string' &&
  ['boolean', 'undefined'].includes(typeof message.listens);
