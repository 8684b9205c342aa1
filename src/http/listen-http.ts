import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Outcome, refuse, succeed } from '../errors.js';
import type { Log } from '../log.js';
import type { Mcp } from '../mcp/serve-mcp.js';
import { broken, elsewhere, noSuchPage, refuseHttp, unauthorized } from './answers.js';
import { closeWithConnection } from './gone-connections.js';
import { bearerOf, comesFromElsewhere } from './guard.js';
import { mcpEndpoint } from './mcp-endpoint.js';
import { openByToken } from './open-by-token.js';
import { Sessions } from './sessions.js';
import type { Site } from './site.js';
import { nameOfToken, tokenNames } from './tokens.js';
import { inTurns } from './turns.js';
import { unreadResponses } from './unread-responses.js';
import { acceptUpgrades } from './upgrades.js';

export interface HttpLimits {
  /** Longest body, in bytes. */
  bodyBytes: number;
  sessions: number;
  connections: number;
  /** What a client may leave unread on one connection, in bytes. */
  unreadBytes: number;
  /** All times in milliseconds. */
  sessionIdleMs: number;
  /** Between two sweeps over sessions and responses. */
  sweepMs: number;
  headersMs: number;
  /** Headers and body; what is answered may take as long as it will. */
  requestMs: number;
  keepAliveMs: number;
}

const httpLimits: HttpLimits = {
  bodyBytes: 4 * 1024 * 1024,
  sessions: 1_000,
  connections: 4_000,
  unreadBytes: 16 * 1024 * 1024,
  sessionIdleMs: 30 * 60_000,
  sweepMs: 30_000,
  headersMs: 20_000,
  requestMs: 60_000,
  // Clients do not repeat a POST that met a connection just being closed, and are busy with it for a while.
  keepAliveMs: 120_000,
};

/** Between two looks at what waits to be read, in milliseconds. */
const TRIM_MS = 1_000;

export interface HttpRequest {
  /** Port 0 takes any that is free. */
  address: { host: string; port: number };
  mcp: Mcp;
  /** What is served beside it. */
  site?: Site;
  /** Where the tokens are. */
  stateDir: string;
  log: Log;
  now: () => number;
  limits?: Partial<HttpLimits>;
}

export interface HttpListener {
  /** Where clients connect to, with the real port. */
  url: string;
  /** Sessions that are open. */
  sessions(): number;
  /** Ends sessions, streams and connections, and frees the port. */
  close(): Promise<void>;
}

/**
 * Serves MCP over HTTP. Whoever asks has to come from this machine's own pages or none, and to have a token unless a
 * path is public; both are checked before anything else of the request is looked at.
 */
export async function listenHttp(request: HttpRequest): Promise<Outcome<HttpListener>> {
  const { address, mcp, site, stateDir, log, now } = request;
  const limits = { ...httpLimits, ...request.limits };
  const isValid = (name: string) => tokenNames(stateDir).includes(name);
  const sessions = new Sessions({
    newSessionServer: mcp.newSessionServer,
    isValid,
    now,
    limits: { maximumSessions: limits.sessions, idleMs: limits.sessionIdleMs },
  });
  const endpoint = mcpEndpoint({ mcp, sessions, isValid, maximumBodyBytes: limits.bodyBytes });
  const unread = unreadResponses(limits.unreadBytes);
  const open = openByToken((token) => nameOfToken(stateDir, token) !== null);

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    if (comesFromElsewhere(incoming, address.host)) return refuseHttp(response, elsewhere);
    const path = pathOf(incoming);
    if (site?.isPublic(path) && (await site.serve(incoming, response, path))) return;
    const bearer = bearerOf(incoming) ?? '';
    const token = nameOfToken(stateDir, bearer);
    if (token === null) return refuseHttp(response, unauthorized);
    if (path === '/mcp') return endpoint.serve(incoming, response, token);
    open.watch(response, bearer);
    if (!(await site?.serve(incoming, response, path))) refuseHttp(response, noSuchPage);
  }

  function take(incoming: IncomingMessage, response: ServerResponse): void {
    closeWithConnection(incoming, response);
    unread.watch(response);
    serve(incoming, response).catch((error) => {
      // That a client went away is no trouble of ours.
      log[response.destroyed ? 'debug' : 'error']({ err: error }, 'http');
      refuseHttp(response, broken);
    });
  }

  const server = createServer(serverOptions(limits), inTurns(take));
  server.maxConnections = limits.connections;
  if (site !== undefined) acceptUpgrades(server, site, { stateDir, servedAt: address.host, open });
  const bound = await bind(server, address);
  if (!bound.ok) return bound;

  const sweeping = setInterval(() => {
    endpoint.sweep();
    open.sweep();
    unread.sweep();
  }, limits.sweepMs).unref();
  const trimming = setInterval(unread.trim, TRIM_MS).unref();

  return succeed({
    url: bound.value,
    sessions: () => sessions.size,
    async close() {
      clearInterval(sweeping);
      clearInterval(trimming);
      site?.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await endpoint.close();
      server.closeAllConnections();
      await closed;
    },
  });
}

const serverOptions = ({ keepAliveMs, headersMs, requestMs }: HttpLimits) => ({
  keepAliveTimeout: keepAliveMs,
  headersTimeout: headersMs,
  requestTimeout: requestMs,
  // How often Node looks whether the two above have passed.
  connectionsCheckingInterval: Math.min(headersMs, 5_000),
});

const pathOf = ({ url = '/' }: IncomingMessage) => url.split('?', 1)[0] ?? url;

async function bind(server: Server, { host, port }: HttpRequest['address']): Promise<Outcome<string>> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen({ host, port }, resolve);
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return refuse('invalid_config', { message: `HTTP cannot be served at ${host}:${port} (${code}).` });
  }
  // From here on errors are of single connections, such as no file descriptor left for one more.
  server.on('error', () => {});
  const real = (server.address() as AddressInfo).port;
  return succeed(`http://${host.includes(':') ? `[${host}]` : host}:${real}/mcp`);
}
