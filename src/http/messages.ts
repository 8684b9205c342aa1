import type { IncomingHttpHeaders } from 'node:http';
import {
  isInitializeRequest,
  type JSONRPCMessage,
  JSONRPCMessageSchema,
  type JSONRPCRequest,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/sdk/types.js';
import { isBadInitialize } from '../mcp/initialize.js';
import { badInitialize, notAccepted, notMessages, type Refusal, tooManyMessages } from './answers.js';

const MAXIMUM_BATCH = 100;

/** The messages that a POST holds, one or a batch of up to 100. Its client has to take answers of either kind. */
export function readMessages(
  { accept = '' }: IncomingHttpHeaders,
  body: unknown,
): { messages: JSONRPCMessage[] } | { refusal: Refusal } {
  if (!accept.includes('application/json') || !acceptsStream({ accept })) return { refusal: notAccepted };
  const messages = Array.isArray(body) ? body : [body];
  if (messages.length > MAXIMUM_BATCH) return { refusal: tooManyMessages };
  const areMessages =
    messages.length > 0 && messages.every((message) => JSONRPCMessageSchema.safeParse(message).success);
  if (!areMessages) return { refusal: notMessages };
  return messages.some(isBadInitialize) ? { refusal: badInitialize } : { messages };
}

/** Whether the revision that a request names is one of those with sessions. None means the one that was agreed on. */
export const namesKnownRevision = ({ 'mcp-protocol-version': named }: IncomingHttpHeaders): boolean =>
  named === undefined || SUPPORTED_PROTOCOL_VERSIONS.includes(String(named));

export const acceptsStream = ({ accept }: IncomingHttpHeaders): boolean =>
  accept?.includes('text/event-stream') ?? false;

export const isRequest = (message: JSONRPCMessage): message is JSONRPCRequest =>
  'method' in message && 'id' in message;

/** Whether a message that came without a session begins one. */
export const beginsSession = (headers: IncomingHttpHeaders, body: unknown): boolean =>
  headers['mcp-session-id'] === undefined && isInitializeRequest(body) && 'id' in body;
