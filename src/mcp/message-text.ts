import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

/** The JSON of results that are the same for whoever asks. */
const prepared = new WeakMap<object, string>();

/** Freezes a result and has it put into text once for all clients. */
export function prepareText<Result extends object>(result: Result): Result {
  prepared.set(result, JSON.stringify(result));
  return Object.freeze(result);
}

/** A message as the JSON that goes to the client. */
export function textOf(message: JSONRPCMessage): string {
  const result = 'result' in message ? prepared.get(message.result) : undefined;
  if (result === undefined || !('id' in message)) return JSON.stringify(message);
  return `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":${result}}`;
}
