import { tokenClient } from '../config.js';
import type { Client } from '../mcp/session-server.js';

/** A client that came over HTTP: it is known by the name of its token, and may be on another machine. */
export const httpClient = (token: string): Client => ({
  origin: { client: tokenClient(token), parentJobId: null },
  cwd: null,
  // Requests are bounded by the connections that they come over.
  begin: () => ({ rest: () => () => {}, end() {} }),
});
