import type { IncomingMessage, ServerResponse } from 'node:http';
import { isStateless } from '../mcp/era.js';
import type { Mcp } from '../mcp/serve-mcp.js';
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
import { acceptsStream, beginsSession, namesKnownRevision, readMessages } from './messages.js';
import type { Session, Sessions } from './sessions.js';
import { statelessHandlers } from './stateless-handlers.js';
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
  const stateless = statelessHandlers(mcp.stateless, isValid);

  async function post(request: IncomingMessage, response: ServerResponse, token: string): Promise<void> {
    const body = await readJson(request, maximumBodyBytes);
    if ('refusal' in body) return refuseHttp(response, body.refusal);
    if (isStateless(body.value)) {
      const handle = await stateless.of(token);
      return answerAsWeb(request, response, (asWeb) => handle(asWeb, body.value));
    }
    const read = readMessages(request.headers, body.value);
    if ('refusal' in read) return refuseHttp(response, read.refusal);
    const session = beginsSession(request.headers, body.value)
      ? sessions.begin(token)
      : sessionOf(request, token, sessions);
    if ('status' in session) return refuseHttp(response, session);
    response.once('close', sessions.use(session));
    session.transport.receive(read.messages, response);
  }

  /** Answers with the session's stream. */
  async function listen(request: IncomingMessage, response: ServerResponse, token: string): Promise<void> {
    const session = sessionOf(request, token, sessions);
    if ('status' in session) return refuseHttp(response, session);
    if (!acceptsStream(request.headers)) return refuseHttp(response, notAcceptedStream);
    response.once('close', sessions.use(session));
    session.transport.listen(response);
  }

  async function end(request: IncomingMessage, response: ServerResponse, token: string): Promise<void> {
    const session = sessionOf(request, token, sessions);
    if ('status' in session) return refuseHttp(response, session);
    await session.server.close();
    response.end();
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
      stateless.sweep();
    },
    async close() {
      await sessions.close();
      await stateless.close();
    },
  };
}

function sessionOf({ headers }: IncomingMessage, token: string, sessions: Sessions): Session | Refusal {
  const id = headers['mcp-session-id'];
  if (typeof id !== 'string') return noSession;
  const session = sessions.find(id, token);
  if (session === null) return noSuchSession;
  return namesKnownRevision(headers) ? session : unknownRevision;
}
