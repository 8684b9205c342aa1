import type { Underway } from '../ipc/line-connection.js';
import type { Log } from '../log.js';
import type { House, Operation, Origin } from '../operations/operation.js';

/** What every adapter renders, whichever revision of the protocol it speaks. */
export interface McpService {
  operations: readonly Operation[];
  house: House;
  log: Log;
}

/** Who asks, and how to reach it while its request is under way. */
export interface Caller {
  origin: Origin;
  /** Directory the client works in; null if it names none. */
  defaultWorkspace(): Promise<string | null>;
  /** Aborted when the client cancelled the request or went away. */
  signal: AbortSignal;
  /** As for the request of a connection. */
  rest: Underway['rest'];
  /** Sends progress; null when the client did not ask for it. */
  notify: ((step: number, message: string) => void) | null;
}

/** A request as it came: nobody has looked at its parameters yet. */
export interface McpRequest {
  method: string;
  params?: Record<string, unknown> | undefined;
}

/** A result of the protocol; each SDK has a type of its own for it. */
export type McpResult = Record<string, unknown>;
