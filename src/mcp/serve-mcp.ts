import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { Hello } from '../ipc/hello.js';
import type { LineConnection } from '../ipc/line-connection.js';
import { routeByEra } from './era.js';
import { jobUpdates } from './job-updates.js';
import { lineTransport } from './line-transport.js';
import { renderTools } from './render-tools.js';
import type { McpService } from './service.js';
import { type Client, sessionServers } from './session-server.js';
import type { statelessServers } from './stateless-server.js';

/** What clients of every revision are served from, over whichever connection they come. */
export interface Mcp {
  /** Serves one client over its connection. */
  serve(connection: LineConnection, hello: Hello): void;
  /** The server of one session, not yet connected. */
  newSessionServer(client: Client): Server;
  /** The adapter of revision 2026-07-28, loaded when it is asked for first. */
  stateless(): Promise<ReturnType<typeof statelessServers>>;
}

/** Makes both adapters over the same operations. The tools are rendered here, once. */
export function mcpService(service: McpService, load = () => import('./stateless-server.js')): Mcp {
  const tools = renderTools(service.operations);
  const updates = jobUpdates(service.house);
  const newSessionServer = sessionServers(service, tools, updates);
  let loading: ReturnType<Mcp['stateless']> | null = null;

  function stateless(): ReturnType<Mcp['stateless']> {
    loading ??= load().then((loaded) => loaded.statelessServers(service, tools, updates));
    return loading;
  }

  async function serveStateless(connection: LineConnection, client: Client): Promise<void> {
    try {
      (await stateless()).serve(connection, client);
    } catch (error) {
      // Another version may lie there by now. The bridge answers what is under way, and its client asks in another era.
      service.log.error({ err: error }, 'the adapter without sessions cannot be loaded');
      connection.close();
    }
  }

  return {
    newSessionServer,
    stateless,
    serve(connection, { cwd, origin }) {
      const client: Client = { origin, cwd, begin: connection.begin };
      routeByEra(connection, {
        session: (leg) => void newSessionServer(client).connect(lineTransport(leg)),
        stateless: (leg) => void serveStateless(leg, client),
      });
    },
  };
}
