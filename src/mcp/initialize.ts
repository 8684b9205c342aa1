import { InitializeRequestSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

/** What is said to who would begin a session and does not say enough for it. */
export const INITIALIZE_LACKS =
  'initialize needs protocolVersion, capabilities, and clientInfo with name and version.';

/** Whether a request is an `initialize` that the SDK would answer as a fault of ours. */
export const isBadInitialize = (message: JSONRPCMessage): boolean =>
  'method' in message &&
  'id' in message &&
  message.method === 'initialize' &&
  !InitializeRequestSchema.safeParse(message).success;
