import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { Client } from '../mcp/session-server.js';
import { type Refusal, tooManySessions } from './answers.js';
import { httpClient } from './http-client.js';
import { SessionTransport } from './session-transport.js';

/** One client between its `initialize` and its end. */
export interface Session {
  /** Name of the token it was begun with; no other may use it. */
  token: string;
  transport: SessionTransport;
  server: Server;
  /** Requests and streams that are open. */
  open: number;
  /** Instant of the last request's begin or end. */
  lastUsed: number;
}

export interface SessionLimits {
  maximumSessions: number;
  /** A session with nothing open ends after this time, in milliseconds. */
  idleMs: number;
}

export interface SessionNeeds {
  newSessionServer(client: Client): Server;
  /** Whether a token still counts. */
  isValid(token: string): boolean;
  now(): number;
  limits: SessionLimits;
}

/** When the house is full, a session that nobody used for this time makes room for a new one. */
const MAKES_ROOM_MS = 60_000;

/** Sessions by their ids. Clients are not obliged to end them, and some never do. */
export class Sessions {
  readonly #needs: SessionNeeds;
  readonly #byId = new Map<string, Session>();

  constructor(needs: SessionNeeds) {
    this.#needs = needs;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** The session of an id, if it is this token's. */
  find(id: string, token: string): Session | null {
    const session = this.#byId.get(id);
    return session?.token === token ? session : null;
  }

  /** A new session, or why there is none. */
  begin(token: string): Session | Refusal {
    if (this.size >= this.#needs.limits.maximumSessions && !this.#makeRoom()) return tooManySessions;
    const transport = new SessionTransport();
    const server = this.#needs.newSessionServer(httpClient(token));
    const session: Session = { token, transport, server, open: 0, lastUsed: this.#needs.now() };
    this.#byId.set(transport.sessionId, session);
    const onclose = server.onclose;
    server.onclose = () => {
      onclose?.();
      this.#byId.delete(transport.sessionId);
    };
    void server.connect(transport);
    return session;
  }

  /** Counts a request as open until the returned function is called. */
  use(session: Session): () => void {
    session.open += 1;
    session.lastUsed = this.#needs.now();
    return () => {
      session.open -= 1;
      session.lastUsed = this.#needs.now();
    };
  }

  /** Ends sessions that are idle, or whose token was revoked; to be called from time to time. */
  sweep(): void {
    const { now, isValid, limits } = this.#needs;
    const valid = new Map<string, boolean>();
    for (const session of [...this.#byId.values()]) {
      const { token, open, lastUsed } = session;
      if (!valid.has(token)) valid.set(token, isValid(token));
      const idle = open === 0 && now() - lastUsed >= limits.idleMs;
      if (idle || valid.get(token) === false) void session.server.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byId.values()].map(({ server }) => server.close()));
  }

  #makeRoom(): boolean {
    const unused = [...this.#byId.values()]
      .filter(({ open, lastUsed }) => open === 0 && this.#needs.now() - lastUsed >= MAKES_ROOM_MS)
      .sort((left, right) => left.lastUsed - right.lastUsed);
    void unused[0]?.server.close();
    return unused.length > 0;
  }
}
