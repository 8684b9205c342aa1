import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { type JSONRPCMessage, RELATED_TASK_META_KEY } from '@modelcontextprotocol/sdk/types.js';

/**
 * Gives a message to the SDK behind a transport. That may throw, for one at an answer to a question it never asked:
 * the messages that came with it are then still to be read.
 */
export function deliver(transport: Transport, message: JSONRPCMessage): void {
  try {
    transport.onmessage?.(withoutTask(message));
  } catch (error) {
    transport.onerror?.(error as Error);
  }
}

/**
 * A message without what 2025-11-25 says of tasks. A server that does not declare them has to ignore it; the SDK
 * refuses such a request, or sends nowhere what belongs to it.
 */
function withoutTask(message: JSONRPCMessage): JSONRPCMessage {
  if (!('method' in message) || message.params === undefined) return message;
  const { task, _meta, ...params } = message.params as Record<string, unknown> & { _meta?: object };
  const related = _meta !== undefined && Object.hasOwn(_meta, RELATED_TASK_META_KEY);
  if (task === undefined && !related) return message;
  const meta = { ..._meta, [RELATED_TASK_META_KEY]: undefined };
  return { ...message, params: { ...params, _meta: meta } } as JSONRPCMessage;
}
