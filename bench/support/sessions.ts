import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ensureToken } from '../../src/http/tokens.js';
import type { Context } from '../scenario.js';
import { httpSession } from './http-session.js';
import { commandLine, submitOver } from './mcp-server.js';
import { stdioSession } from './stdio-session.js';
import type { World } from './world.js';

/** Hands a task over; answers the job's id. */
export type Submit = (task: string) => Promise<string>;

/** A client of its own behind a bridge of its own, with a daemon that was started. */
export async function bridgeClient(context: Context, world: World): Promise<Submit> {
  const bridge = await stdioSession([process.execPath, commandLine, 'mcp'], world.environment);
  context.atEnd(bridge.close);
  return (task) => submitOver(bridge.call, world.repository, task);
}

/** A client with a session of its own over HTTP, with a daemon that was started and serves there. */
export async function httpClient(context: Context, world: World): Promise<Submit> {
  const { daemon } = await world.call('codex_status');
  const headers = { authorization: `Bearer ${ensureToken(world.stateDir, 'bench')}` };
  const transport = new StreamableHTTPClientTransport(new URL(daemon.http), { requestInit: { headers } });
  const client = new Client({ name: 'offshoot-bench', version: '1' });
  // The SDK's own transport is not typed for exact optional properties.
  await client.connect(transport as Transport);
  context.atEnd(() => client.close());
  const session = await httpSession(new URL(daemon.http), {
    ...headers,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'mcp-session-id': transport.sessionId ?? '',
    'mcp-protocol-version': transport.protocolVersion ?? '',
  });
  context.atEnd(session.close);
  return (task) => submitOver(session.call, world.repository, task);
}
