import type { Tool } from '@modelcontextprotocol/sdk/types.js';
import { prepareText } from './message-text.js';
import { completePrompt, getPrompt, listPrompts } from './prompts.js';
import { jobResources, resourceTemplates } from './resources.js';
import { invalidParams, METHOD_NOT_FOUND, RpcError } from './rpc-error.js';
import type { Caller, McpRequest, McpResult, McpService } from './service.js';
import { callOperation, toToolResult } from './tools.js';

export type RequestHandler = (request: McpRequest, caller: Caller) => Promise<McpResult>;

/**
 * Answers what is the same in every revision of the protocol. `notFoundCode` is the revision's code for a
 * resource that does not exist.
 *
 * Adapters call it from an SDK's fallback handler, which gets requests as they came: the SDK's own handlers would
 * answer arguments that do not fit with prose of their own and with what was sent, and not with our envelope.
 */
export function requestHandler(
  service: McpService,
  tools: readonly Tool[],
  notFoundCode: number,
): RequestHandler {
  const listed = prepareText({ tools });
  const resources = jobResources(service, notFoundCode);
  return async (request, caller) => {
    switch (request.method) {
      case 'tools/list':
        return onlyPage(request, listed);
      case 'tools/call': {
        const { name, arguments: input } = request.params ?? {};
        return toToolResult(await callOperation(service, name, input, caller));
      }
      case 'resources/list':
        return resources.list(request, caller);
      case 'resources/templates/list':
        return onlyPage(request, { resourceTemplates });
      case 'resources/read':
        return resources.read(request, caller);
      case 'prompts/list':
        return onlyPage(request, listPrompts());
      case 'prompts/get':
        return getPrompt(request);
      case 'completion/complete':
        return isOfPrompt(request) ? completePrompt(request.params) : resources.complete(request, caller);
      default:
        throw new RpcError(METHOD_NOT_FOUND, 'There is no such method.');
    }
  };
}

/** A list that fits into one answer: no cursor leads anywhere in it. Some clients send an empty one for none. */
function onlyPage({ params }: McpRequest, list: McpResult): McpResult {
  if (params?.cursor) throw invalidParams('The cursor does not belong to this list, which has one page.');
  return list;
}

const isOfPrompt = ({ params }: McpRequest): boolean =>
  (params?.ref as { type?: unknown } | undefined)?.type === 'ref/prompt';
