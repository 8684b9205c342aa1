import { isUtf8 } from 'node:buffer';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type JSONRPCMessage, JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import { envelope, refuse } from '../errors.js';
import {
  errorResponse,
  INVALID_REQUEST,
  idOfOversized,
  isJson,
  isRequestId,
  PARSE_ERROR,
  parseObject,
} from '../ipc/json-rpc.js';
import type { LineConnection } from '../ipc/line-connection.js';
import { type Line, MAXIMUM_LINE_BYTES } from '../lines.js';
import { deliver } from './deliver.js';
import { INITIALIZE_LACKS, isBadInitialize } from './initialize.js';
import { textOf } from './message-text.js';
import { INVALID_PARAMS } from './rpc-error.js';

/**
 * MCP's newline-delimited JSON-RPC over a connection of ours. Unlike the SDK's stdio transport it answers a
 * line that is no message, and goes on after it.
 */
export function lineTransport(connection: LineConnection): Transport {
  const transport: Transport = {
    async start() {
      connection.listen(take, () => transport.onclose?.());
    },
    async send(message) {
      connection.send(textOf(message));
    },
    async close() {
      connection.close();
    },
  };

  function take(line: Line): void {
    const read = 'bytes' in line ? readMessage(line.bytes) : { problem: tooLarge(line.oversized) };
    if ('problem' in read) connection.send(read.problem);
    else deliver(transport, read.message);
  }

  return transport;
}

function readMessage(bytes: Buffer): { message: JSONRPCMessage } | { problem: string } {
  const value = parseObject(bytes);
  const id = isRequestId(value?.id) ? value.id : null;
  const refuseLine = (code: number, why: string) => ({ problem: errorResponse(id, code, why) });
  // As text each byte that does not fit would be another character: a task would not be the one that was sent.
  if (!isUtf8(bytes)) return refuseLine(PARSE_ERROR, 'The line is not UTF-8.');
  if (value === null)
    return refuseLine(isJson(bytes) ? INVALID_REQUEST : PARSE_ERROR, 'The line is not one JSON object.');
  if (!JSONRPCMessageSchema.safeParse(value).success)
    return refuseLine(INVALID_REQUEST, 'The object is not a JSON-RPC 2.0 message.');
  const message = value as JSONRPCMessage;
  return isBadInitialize(message) ? refuseLine(INVALID_PARAMS, INITIALIZE_LACKS) : { message };
}

function tooLarge(ends: { head: Buffer; tail: Buffer }): string {
  const { fault } = refuse('input_too_large', {
    message: 'The message is larger than the limit.',
    details: { maximum_bytes: MAXIMUM_LINE_BYTES },
  });
  return errorResponse(idOfOversized(ends), INVALID_REQUEST, fault.message, envelope(fault));
}
