import type { ServerResponse } from 'node:http';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { textOf } from '../mcp/message-text.js';

/** Whoever sits between may take a connection for dead that carries nothing; in milliseconds. */
const KEEP_ALIVE_MS = 15_000;

/** Server-sent events over one response, each a message of MCP. */
export interface EventStream {
  send(message: JSONRPCMessage): void;
  end(): void;
}

/** Begins the stream: the client has its headers at once. What nobody reads is cut off, by `unreadResponses`. */
export function eventStream(response: ServerResponse, sessionId: string): EventStream {
  response
    .writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'mcp-session-id': sessionId,
    })
    .flushHeaders();
  const keepAlive = setInterval(() => response.write(': keepalive\n\n'), KEEP_ALIVE_MS).unref();
  response.once('close', () => clearInterval(keepAlive));
  return {
    send: (message) => void response.write(`event: message\ndata: ${textOf(message)}\n\n`),
    end() {
      // The client may take long to read the end.
      clearInterval(keepAlive);
      response.end();
    },
  };
}
