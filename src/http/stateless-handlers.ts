import type { Mcp } from '../mcp/serve-mcp.js';
import type { HttpHandler } from '../mcp/stateless-server.js';
import { httpClient } from './http-client.js';

export interface StatelessHandlers {
  /** The handler for the clients of a token. */
  of(token: string): Promise<HttpHandler>;
  /** Ends what belongs to a token that was revoked; to be called from time to time. */
  sweep(): void;
  close(): Promise<void>;
}

/** What answers requests of revision 2026-07-28: one handler a token, made when it is asked for first. */
export function statelessHandlers(
  stateless: Mcp['stateless'],
  isValid: (token: string) => boolean,
): StatelessHandlers {
  const byToken = new Map<string, { handle: HttpHandler; close(): Promise<void> }>();
  return {
    async of(token) {
      const servers = await stateless();
      const server = byToken.get(token) ?? servers.http(httpClient(token));
      byToken.set(token, server);
      return server.handle;
    },
    sweep() {
      for (const [token, { close }] of byToken) {
        if (isValid(token)) continue;
        byToken.delete(token);
        void close();
      }
    },
    async close() {
      await Promise.all([...byToken.values()].map((server) => server.close()));
    },
  };
}
