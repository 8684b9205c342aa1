import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  type CallToolResult,
  ErrorCode,
  type JSONRPCRequest,
  McpError,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/ajv-provider.js';
import { envelope, type Outcome } from '../errors.js';
import type { Hello } from '../ipc/hello.js';
import type { LineConnection } from '../ipc/line-connection.js';
import type { Log } from '../log.js';
import { invoke } from '../operations/invoke.js';
import type { House, Operation } from '../operations/operation.js';
import { version } from '../version.js';
import { instructions } from './instructions.js';
import { lineTransport } from './line-transport.js';
import { coalescedProgress } from './progress.js';
import { renderTools } from './render-tools.js';
import { workspaceOf } from './workspace.js';

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

export interface McpService {
  operations: readonly Operation[];
  house: House;
  log: Log;
}

// One for all connections: making it is most of what a server costs.
const jsonSchemaValidator = new AjvJsonSchemaValidator();

/**
 * Makes the function that serves one MCP client over its connection. The tools are rendered here, once.
 *
 * Tools are served from the fallback handler, which gets requests as they came: the SDK's own handler would
 * answer arguments that do not fit with prose of its own and with what was sent, and not with our envelope.
 */
export function mcpService({ operations, house, log }: McpService) {
  const tools = renderTools(operations);

  return function serveMcp(connection: LineConnection, hello: Hello): void {
    const server = new Server(
      { name: 'offshoot', title: 'Offshoot', version },
      { capabilities: { tools: {} }, instructions, jsonSchemaValidator },
    );
    const defaultWorkspace = workspaceOf(server, hello.cwd);

    async function callTool(request: JSONRPCRequest, extra: Extra): Promise<CallToolResult> {
      const { name, arguments: input } = request.params ?? {};
      const done = connection.begin();
      const progress = coalescedProgress((step, message) => notifyProgress(extra, step, message));
      const call = { house, defaultWorkspace, signal: extra.signal, report: progress.report };
      const outcome = await invoke(operations, typeof name === 'string' ? name : '', input, call, log);
      progress.end();
      done();
      return toResult(outcome);
    }

    server.fallbackRequestHandler = async (request, extra) => {
      if (request.method === 'tools/list') return { tools };
      if (request.method === 'tools/call') return callTool(request, extra);
      throw new McpError(ErrorCode.MethodNotFound, 'There is no such method.');
    };
    server.onerror = (error) => log.debug({ err: error }, 'mcp');
    void server.connect(lineTransport(connection));
  };
}

function notifyProgress(extra: Extra, step: number, message: string): void {
  const progressToken = extra._meta?.progressToken;
  if (progressToken === undefined) return;
  const params = { progressToken, progress: step, message };
  extra.sendNotification({ method: 'notifications/progress', params }).catch(() => {});
}

/** Clients show their model either the structured content or the text, so both say the same. */
function toResult(outcome: Outcome<unknown>): CallToolResult {
  const structured = (outcome.ok ? outcome.value : envelope(outcome.fault)) as Record<string, unknown>;
  return {
    content: [{ type: 'text', text: JSON.stringify(structured) }],
    structuredContent: structured,
    ...(outcome.ok ? {} : { isError: true }),
  };
}
