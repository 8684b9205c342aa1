import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import {
  CLIENT_CAPABILITIES_META_KEY,
  createMcpHandler,
  Server,
  type ServerContext,
  type Transport,
} from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';
import type { LineConnection } from '../ipc/line-connection.js';
import { instructions } from './instructions.js';
import type { JobUpdates } from './job-updates.js';
import { lineTransport } from './line-transport.js';
import { type RequestHandler, requestHandler } from './requests.js';
import { INVALID_PARAMS } from './rpc-error.js';
import { serverInfo } from './server-info.js';
import type { Caller, McpResult, McpService } from './service.js';
import type { Client } from './session-server.js';
import { listenForTasks } from './task-listening.js';
import { responseWithTasks, transportWithTasks } from './task-streams.js';
import { declaresTasks, type JobTasks, jobTasks, TASKS_EXTENSION, tasksNotDeclared } from './tasks.js';

/** Answers to one request over HTTP. */
export type HttpHandler = (request: Request, body: unknown) => Promise<Response>;

/** How long a client may take the list of tools for what it is: it does not change while the daemon lives. */
const TOOLS_TTL_MS = 300_000;

const anyParams = z.looseObject({});
const anyResult = z.looseObject({});

/**
 * Serves revision 2026-07-28, which has no sessions: every request says for itself who asks and what it
 * understands. Loaded only when such a client comes, because loading its SDK takes a while.
 */
export function statelessServers(service: McpService, tools: readonly Tool[], updates: JobUpdates) {
  // This revision tells a missing resource like any other wrong parameter.
  const handle = requestHandler(service, tools, INVALID_PARAMS);
  const tasks = jobTasks(service);

  /** Listening goes by the SDK, which answers it before any handler of ours, and has no word for tasks. */
  const listenAs = (client: Client) => (message: unknown) =>
    listenForTasks(message, tasks, listenerOf(client));

  const onerror = (error: Error) => service.log.debug({ err: error }, 'mcp');

  return {
    /** Serves one connection until it is gone. */
    serve(connection: LineConnection, client: Client): void {
      const transport = transportWithTasks(lineTransport(connection) as Transport, listenAs(client), onerror);
      serveStdio(
        () => {
          const server = newServer(handle, tasks, client);
          // The SDK passes on only what the client listens for.
          server.onclose = updates((uri) => void server.sendResourceUpdated({ uri }).catch(onerror));
          return server;
        },
        { transport, legacy: 'reject', onerror },
      );
    },

    /** What serves requests over HTTP, one at a time; `close` ends those under way. */
    http(client: Client): { handle: HttpHandler; close(): Promise<void> } {
      const listen = listenAs(client);
      const handler = createMcpHandler(() => newServer(handle, tasks, client), {
        legacy: 'reject',
        onerror,
        bus: {
          publish: () => {},
          subscribe: (listener) => updates((uri) => listener({ kind: 'resource_updated', uri })),
        },
      });
      return {
        handle: async (request, body) => {
          const listening = listen(body);
          if (listening === null) return handler.fetch(request, { parsedBody: body });
          if ('refusal' in listening) return Response.json(listening.refusal, { status: 400 });
          return responseWithTasks(
            await handler.fetch(request, { parsedBody: listening.request }),
            listening,
          );
        },
        close: handler.close,
      };
    },
  };
}

/** The server of one connection, or over HTTP of one request. */
function newServer(handle: RequestHandler, tasks: JobTasks, client: Client): Server {
  const server = new Server(serverInfo, {
    capabilities: {
      tools: {},
      resources: { subscribe: true },
      prompts: {},
      completions: {},
      extensions: { [TASKS_EXTENSION]: {} },
    },
    instructions,
    cacheHints: { 'tools/list': { ttlMs: TOOLS_TTL_MS, cacheScope: 'private' } },
  });

  server.fallbackRequestHandler = async (request, context) => {
    const { rest, end } = client.begin();
    const caller = callerOf(context, client, rest);
    const { name, arguments: input } = request.params ?? {};
    try {
      const task =
        request.method === 'tools/call' && understandsTasks(context)
          ? await tasks.create(name, input, caller)
          : null;
      return task ?? (await handle(request, caller));
    } finally {
      end();
    }
  };

  /** The extension's methods; unlike others they have to be named, because an older revision had some of them. */
  const onTask = (method: string, answer: (taskId: unknown, caller: Caller) => Promise<McpResult>) =>
    server.setRequestHandler(method, { params: anyParams, result: anyResult }, async (params, context) => {
      if (!understandsTasks(context)) throw tasksNotDeclared();
      return answer(params.taskId, callerOf(context, client));
    });
  onTask('tasks/get', tasks.get);
  onTask('tasks/cancel', tasks.cancel);
  onTask('tasks/update', tasks.update);
  return server;
}

function understandsTasks({ mcpReq }: ServerContext): boolean {
  const said = mcpReq.envelope as Record<string, unknown> | undefined;
  return declaresTasks(said?.[CLIENT_CAPABILITIES_META_KEY]);
}

/** Who listens: nothing of that can be cancelled, and there is no progress of it. */
const listenerOf = ({ origin, cwd }: Client): Caller => ({
  origin,
  defaultWorkspace: async () => cwd,
  signal: new AbortController().signal,
  rest: () => () => {},
  notify: null,
});

function callerOf(
  { mcpReq }: ServerContext,
  { origin, cwd }: Client,
  rest: Caller['rest'] = () => () => {},
): Caller {
  const progressToken = mcpReq._meta?.progressToken;
  return {
    origin,
    defaultWorkspace: async () => cwd,
    signal: mcpReq.signal,
    rest,
    notify:
      progressToken === undefined
        ? null
        : (progress, message) => {
            const params = { progressToken, progress, message };
            mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {});
          },
  };
}
