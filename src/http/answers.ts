import type { ServerResponse } from 'node:http';
import { INVALID_REQUEST, PARSE_ERROR, SERVER_ERROR } from '../ipc/json-rpc.js';
import { INITIALIZE_LACKS } from '../mcp/initialize.js';
import { INVALID_PARAMS } from '../mcp/rpc-error.js';

/** As the MCP SDK has it, and so its clients. */
const SESSION_NOT_FOUND = -32001;

export interface Refusal {
  status: number;
  message: string;
  /** Of JSON-RPC. */
  code?: number;
  headers?: Record<string, string>;
}

/** Answers with a JSON-RPC error that belongs to no request. */
export function refuseHttp(response: ServerResponse, { status, message, code, headers }: Refusal): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const error = { code: code ?? SERVER_ERROR, message };
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify({ jsonrpc: '2.0', id: null, error }));
}

export const elsewhere: Refusal = {
  status: 403,
  message: 'The Host or Origin of the request is not allowed.',
};
export const unauthorized: Refusal = {
  status: 401,
  message: 'A bearer token is needed; `offshoot token` prints it.',
  headers: { 'www-authenticate': 'Bearer realm="offshoot"' },
};
export const noSuchPage: Refusal = { status: 404, message: 'There is nothing here; MCP is at /mcp.' };
export const wrongMethod: Refusal = {
  status: 405,
  message: 'Only GET, POST and DELETE are served.',
  headers: { allow: 'GET, POST, DELETE' },
};
export const noSuchSession: Refusal = {
  status: 404,
  code: SESSION_NOT_FOUND,
  message: 'Session not found; begin a new one with initialize.',
};
export const noSession: Refusal = {
  status: 400,
  message: 'The request belongs to no session: Mcp-Session-Id is missing, and it is no initialize.',
};
export const notAccepted: Refusal = {
  status: 406,
  message: 'The client has to accept both application/json and text/event-stream.',
};
export const notAcceptedStream: Refusal = {
  status: 406,
  message: 'The client has to accept text/event-stream.',
};
export const unknownRevision: Refusal = {
  status: 400,
  message: 'The revision of the protocol that Mcp-Protocol-Version names is not served.',
};
export const notMessages: Refusal = {
  status: 400,
  code: INVALID_REQUEST,
  message: 'The body is neither a JSON-RPC 2.0 message nor a batch of them.',
};
export const tooManyMessages: Refusal = {
  status: 400,
  code: INVALID_REQUEST,
  message: 'A batch may hold at most 100 messages.',
};
export const badInitialize: Refusal = { status: 400, code: INVALID_PARAMS, message: INITIALIZE_LACKS };
export const begunAlready: Refusal = {
  status: 400,
  code: INVALID_REQUEST,
  message: 'The session is initialized already.',
};
export const idInUse: Refusal = {
  status: 400,
  code: INVALID_REQUEST,
  message: 'Two requests under way in a session may not have the same id.',
};
export const streamOpen: Refusal = {
  status: 409,
  message: 'The session has a stream open already, and may have only one.',
};
export const tooManySessions: Refusal = {
  status: 503,
  message: 'Too many sessions are open.',
  headers: { 'retry-after': '30' },
};
export const notJson: Refusal = { status: 400, code: PARSE_ERROR, message: 'The body is not JSON in UTF-8.' };
export const tooLarge: Refusal = {
  status: 413,
  message: 'The body is larger than the limit.',
  // What is left of the body will not be read.
  headers: { connection: 'close' },
};
export const notAcceptedType: Refusal = { status: 415, message: 'The body has to be application/json.' };
export const broken: Refusal = { status: 500, message: 'Something broke inside Offshoot.' };
