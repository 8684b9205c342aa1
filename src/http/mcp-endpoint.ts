import type { IncomingMessage, ServerResponse } from 'node:http';
import { isInitializeRequest, isJSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import { isStateless } from '../mcp/era.js';
import type { Mcp } from '../mcp/serve-mcp.js';
import type { HttpHandler } from '../mcp/stateless-server.js';
import {
  noSession,
  noSuchSession,
  type Refusal,
  refuseHttp,
  tooManySessions,
  wrongMethod,
} from './answers.js';
import { readJson } from './body.js';
import { httpClient } from './http-client.js';
import type { Session, Sessions } from './sessions.js';
import { answerAsWeb } from './web.js';

export interface McpEndpoint {
  /** Answers one request, whose token was found to be good. Rejects when the client goes away too early. */
  serve(request: IncomingMessage, response: ServerResponse, token: string): Promise<void>;
  /** Ends what is idle, or belongs to a token that was revoked; to be called from time to time. */
  sweep(): void;
  close(): Promise<void>;
}

export interface McpEndpointNeeds {
  mcp: Mcp;
  sessions: Sessions;
  /** Whether a token still counts. */
  isValid(token: string): boolean;
  maximumBodyBytes: number;
}

/** Gives requests to their session, or to the adapter that needs none: each request tells which. */
export function mcpEndpoint({ mcp, sessions, isValid, maximumBodyBytes }: McpEndpointNeeds): McpEndpoint {
  /** By the name of the token. */
  const stateless = new Map<string, ReturnType<Awaited<ReturnType<Mcp['stateless']>>['http']>>();

  async function statelessHandler(token: string): Promise<HttpHandler> {
    const servers = await mcp.stateless();
    const server = stateless.get(token) ?? servers.http(httpClient(token));
    stateless.set(token, server);
    return server.handle;
  }

  async function post(request: IncomingMessage, response: ServerResponse, token: string): Promise<void> {
    const body = await readJson(request, maximumBodyBytes);
    if ('refusal' in body) return refuseHttp(response, body.refusal);
    if (isStateless(body.value)) {
      const handle = await statelessHandler(token);
      return answerAsWeb(request, response, (asWeb) => handle(asWeb, body.value));
    }
    if (request.headers['mcp-session-id'] === undefined && isInitializeRequest(body.value)) {
      return begin(request, response, token, body.value);
    }
    const session = sessionOf(request, token);
    if ('status' in session) return refuseHttp(response, session);
    response.once('close', () => response.writableFinished || cancel(session, body.value));
    return inSession(session, request, response, body.value);
  }

  async function begin(
    request: IncomingMessage,
    response: ServerResponse,
    token: string,
    initialize: unknown,
  ): Promise<void> {
    const session = await sessions.begin(token);
    if (session === null) return refuseHttp(response, tooManySessions);
    try {
      await inSession(session, request, response, initialize);
    } finally {
      await sessions.begun(session);
    }
  }

  function sessionOf({ headers }: IncomingMessage, token: string): Session | Refusal {
    const id = headers['mcp-session-id'];
    if (typeof id !== 'string') return noSession;
    return sessions.find(id, token) ?? noSuchSession;
  }

  async function inSession(
    session: Session,
    request: IncomingMessage,
    response: ServerResponse,
    body?: unknown,
  ): Promise<void> {
    const done = sessions.use(session);
    const parsedBody = body === undefined ? {} : { parsedBody: body };
    try {
      await answerAsWeb(request, response, (asWeb) => session.transport.handleRequest(asWeb, parsedBody));
    } finally {
      done();
    }
  }

  return {
    async serve(request, response, token) {
      if (request.method === 'POST') return post(request, response, token);
      if (request.method !== 'GET' && request.method !== 'DELETE') return refuseHttp(response, wrongMethod);
      const session = sessionOf(request, token);
      if ('status' in session) return refuseHttp(response, session);
      return inSession(session, request, response);
    },
    sweep() {
      sessions.sweep();
      for (const [token, { close }] of stateless) {
        if (isValid(token)) continue;
        stateless.delete(token);
        void close();
      }
    },
    async close() {
      await sessions.close();
      await Promise.all([...stateless.values()].map((server) => server.close()));
    },
  };
}

/** Nobody hears the answers any more, since nothing is kept for a later connection: waits are over. */
function cancel({ transport }: Session, body: unknown): void {
  for (const message of Array.isArray(body) ? body : [body]) {
    if (!isJSONRPCRequest(message)) continue;
    const params = { requestId: message.id, reason: 'The connection was closed.' };
    transport.onmessage?.({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
  }
}
