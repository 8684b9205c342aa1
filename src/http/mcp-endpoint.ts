import type { IncomingMessage, ServerResponse } from 'node:http';
import { isStateless } from '../mcp/era.js';
import type { Mcp } from '../mcp/serve-mcp.js';
import type { HttpHandler } from '../mcp/stateless-server.js';
import {
  noSession,
  noSuchSession,
  notAcceptedStream,
  type Refusal,
  refuseHttp,
  unknownRevision,
  wrongMethod,
} from './answers.js';
import { readJson } from './body.js';
import { httpClient } from './http-client.js';
import { acceptsStream, beginsSession, namesKnownRevision, readMessages } from './messages.js';
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
    const read = readMessages(request.headers, body.value);
    if ('refusal' in read) return refuseHttp(response, read.refusal);
    const session = beginsSession(request.headers, body.value)
      ? sessions.begin(token)
      : sessionOf(request, token);
    if ('status' in session) return refuseHttp(response, session);
    response.once('close', sessions.use(session));
    session.transport.receive(read.messages, response);
  }

  /** Answers with the session's stream. */
  async function listen(request: IncomingMessage, response: ServerResponse, token: string): Promise<void> {
    const session = sessionOf(request, token);
    if ('status' in session) return refuseHttp(response, session);
    if (!acceptsStream(request.headers)) return refuseHttp(response, notAcceptedStream);
    response.once('close', sessions.use(session));
    session.transport.listen(response);
  }

  async function end(request: IncomingMessage, response: ServerResponse, token: string): Promise<void> {
    const session = sessionOf(request, token);
    if ('status' in session) return refuseHttp(response, session);
    await session.server.close();
    response.end();
  }

  function sessionOf({ headers }: IncomingMessage, token: string): Session | Refusal {
    const id = headers['mcp-session-id'];
    if (typeof id !== 'string') return noSession;
    const session = sessions.find(id, token);
    if (session === null) return noSuchSession;
    return namesKnownRevision(headers) ? session : unknownRevision;
  }

  const methods: Record<string, McpEndpoint['serve']> = { POST: post, GET: listen, DELETE: end };

  return {
    async serve(request, response, token) {
      const answer = methods[request.method ?? ''];
      if (answer === undefined) refuseHttp(response, wrongMethod);
      else await answer(request, response, token);
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
