import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  RootsListChangedNotificationSchema,
  type ServerNotification,
  type ServerRequest,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv-provider.js';
import type { LineConnection, Underway } from '../ipc/line-connection.js';
import type { Origin } from '../operations/operation.js';
import { instructions } from './instructions.js';
import type { JobUpdates } from './job-updates.js';
import { requestHandler } from './requests.js';
import { serverInfo } from './server-info.js';
import type { Caller, McpService } from './service.js';
import { sessionSubscriptions } from './subscriptions.js';
import { anyRoots, clientWorkspace } from './workspace.js';

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** Where a session's client runs, and what is to be counted of its requests. */
export interface Client {
  origin: Origin;
  /** Null for a client that may be on another machine. */
  cwd: string | null;
  begin: LineConnection['begin'];
}

/** How long a client may take to name its roots, in milliseconds. */
const ROOTS_TIMEOUT_MS = 2_000;
const RESOURCE_NOT_FOUND = -32002;

// One for all sessions: making it is most of what a server costs.
const jsonSchemaValidator = new AjvJsonSchemaValidator();

/** Makes servers of the revisions that begin with `initialize`, up to 2025-11-25: one for each session. */
export function sessionServers(service: McpService, tools: readonly Tool[], updates: JobUpdates) {
  const handle = requestHandler(service, tools, RESOURCE_NOT_FOUND);

  return function newSessionServer({ origin, cwd, begin }: Client): Server {
    const server = new Server(serverInfo, {
      capabilities: { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {} },
      instructions,
      jsonSchemaValidator,
    });
    const workspace = clientWorkspace(cwd);
    const subscriptions = sessionSubscriptions(updates, (uri) => {
      server.sendResourceUpdated({ uri }).catch(() => {});
    });

    const callerOf = (extra: Extra, { rest }: Underway): Caller => ({
      origin,
      defaultWorkspace: () => workspace.directory(() => askRoots(server, extra)),
      signal: extra.signal,
      rest,
      notify: progressTo(extra),
    });

    server.fallbackRequestHandler = async (request, extra) => {
      const { uri } = (request.params ?? {}) as { uri?: unknown };
      switch (request.method) {
        case 'resources/subscribe':
          subscriptions.subscribe(uri);
          return {};
        case 'resources/unsubscribe':
          subscriptions.unsubscribe(uri);
          return {};
      }
      const underway = begin();
      return handle(request, callerOf(extra, underway)).finally(underway.end);
    };
    server.setNotificationHandler(RootsListChangedNotificationSchema, workspace.forget);
    server.onerror = (error) => service.log.debug({ err: error }, 'mcp');
    server.onclose = subscriptions.close;
    return server;
  };
}

/** Asked beside the request that wants to know: over HTTP the client may listen nowhere else. */
async function askRoots(server: Server, extra: Extra) {
  if (server.getClientCapabilities()?.roots === undefined) return { roots: [] };
  return extra.sendRequest({ method: 'roots/list' }, anyRoots, { timeout: ROOTS_TIMEOUT_MS });
}

function progressTo(extra: Extra): Caller['notify'] {
  const progressToken = extra._meta?.progressToken;
  if (progressToken === undefined) return null;
  return (progress, message) => {
    const params = { progressToken, progress, message };
    extra.sendNotification({ method: 'notifications/progress', params }).catch(() => {});
  };
}
