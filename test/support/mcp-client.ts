import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { ClientCapabilities } from '@modelcontextprotocol/sdk/types.js';
import { connectDaemon } from '../../src/ipc/connect.js';
import { ownHello } from '../../src/ipc/hello.js';
import { lineConnection } from '../../src/ipc/line-connection.js';
import { lineTransport } from '../../src/mcp/line-transport.js';

export const newClient = (capabilities: ClientCapabilities = {}) =>
  new Client({ name: 'test', version: '1' }, { capabilities });

/** Connects the SDK's own client straight to a socket, without a bridge. */
export async function connectClient(path: string, client = newClient()): Promise<Client> {
  const reached = await connectDaemon({ socket: path, hello: ownHello('mcp') });
  if (!reached.ok) throw new Error(reached.fault.message);
  await client.connect(lineTransport(lineConnection(reached.value.socket)));
  return client;
}
