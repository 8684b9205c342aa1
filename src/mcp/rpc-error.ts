import { envelope, type Fault } from '../errors.js';
import { SERVER_ERROR } from '../ipc/json-rpc.js';

export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;

/** An error that an SDK puts on the wire as it is: both take `code`, `message` and `data` from what is thrown. */
export class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(message);
  }
}

/** A refusal where the protocol has no place for a result that says so. `code` unless the arguments are at fault. */
export function refusalError(fault: Fault, code = SERVER_ERROR): RpcError {
  const atFault = fault.code === 'invalid_arguments' || fault.code === 'invalid_cursor';
  return new RpcError(atFault ? INVALID_PARAMS : code, fault.message, envelope(fault));
}

/** What the client sent is not repeated to it. */
export const invalidParams = (message: string) => new RpcError(INVALID_PARAMS, message);
