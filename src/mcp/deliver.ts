import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

/**
 * Gives a message to the SDK behind a transport. That may throw, for one at an answer to a question it never asked:
 * the messages that came with it are then still to be read.
 */
export function deliver(transport: Transport, message: JSONRPCMessage): void {
  try {
    transport.onmessage?.(message);
  } catch (error) {
    transport.onerror?.(error as Error);
  }
}
