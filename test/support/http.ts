import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { ClientCapabilities } from '@modelcontextprotocol/sdk/types.js';
import { type HttpLimits, type HttpListener, listenHttp } from '../../src/http/listen-http.js';
import type { Site } from '../../src/http/site.js';
import { ensureToken } from '../../src/http/tokens.js';
import { type Mcp, mcpService } from '../../src/mcp/serve-mcp.js';
import { temporaryDirectory } from './directory.js';
import { silentLog, toyService } from './link-toys.js';

/** An HTTP server of this process on a free port, and a token for it. */
export interface HttpServed extends HttpListener {
  token: string;
  stateDir: string;
}

export interface Serving {
  /** The loopback unless given. */
  host?: string;
  mcp?: Mcp;
  site?: Site;
  stateDir?: string;
  limits?: Partial<HttpLimits>;
  now?: () => number;
}

/** Serves the toy operations, unless `mcp` is given. */
export async function serveOverHttp(serving: Serving = {}): Promise<HttpServed> {
  const temporary = serving.stateDir === undefined ? await temporaryDirectory() : null;
  const stateDir = serving.stateDir ?? temporary?.path ?? '';
  const token = ensureToken(stateDir, 'default');
  const listening = await listenHttp({
    address: { host: serving.host ?? '127.0.0.1', port: 0 },
    mcp: serving.mcp ?? mcpService(toyService),
    stateDir,
    log: silentLog,
    now: serving.now ?? Date.now,
    ...(serving.site === undefined ? {} : { site: serving.site }),
    ...(serving.limits === undefined ? {} : { limits: serving.limits }),
  });
  if (!listening.ok) throw new Error(listening.fault.message);
  const listener = listening.value;
  return {
    ...listener,
    token,
    stateDir,
    async close() {
      await listener.close();
      await temporary?.remove();
    },
  };
}

/** The SDK's own client over HTTP. */
export async function connectOverHttp(
  { url, token }: Pick<HttpServed, 'url' | 'token'>,
  capabilities: ClientCapabilities = {},
): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> {
  const client = new Client({ name: 'test', version: '1' }, { capabilities });
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  });
  await client.connect(transport as Parameters<Client['connect']>[0]);
  return { client, transport };
}

export interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** One request by hand: with any Host and Origin, which `fetch` does not let through. */
export function ask(
  url: string,
  {
    method = 'POST',
    headers = {},
    body = '',
  }: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { method, headers, agent: false }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    outgoing.on('error', reject).end(body);
  });
}

export const initializeBody = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'by hand', version: '1' } },
});

/** Headers that a good request has. */
export const goodHeaders = (token: string, more: Record<string, string> = {}): Record<string, string> => ({
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  ...more,
});
