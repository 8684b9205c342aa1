import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Answer } from './world.js';

/**
 * Tool calls in an HTTP session that was begun before, over one connection that is kept. The SDK's client takes
 * longer for a call than the daemon: of a hundred in one process, only the first would be measured.
 */
export function httpSession(url: URL, headers: Record<string, string>) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let lastId = 1_000;
  return {
    async call(tool: string, input: Record<string, unknown>): Promise<Answer> {
      lastId += 1;
      const params = { name: tool, arguments: input };
      const body = JSON.stringify({ jsonrpc: '2.0', id: lastId, method: 'tools/call', params });
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        request(url, { method: 'POST', agent, headers }, resolve).once('error', reject).end(body);
      });
      const answer = await text(response);
      // As a stream, if it took long.
      const message = /^(?:data: )?(\{.+\})$/m.exec(answer)?.[1];
      if (message === undefined)
        throw new Error(`${tool}: HTTP ${response.statusCode}: ${answer.slice(0, 300)}`);
      const { result, error } = JSON.parse(message);
      if (result === undefined || result.isError)
        throw new Error(`${tool}: ${JSON.stringify(error ?? result.structuredContent).slice(0, 300)}`);
      return result.structuredContent;
    },
    close: () => agent.destroy(),
  };
}
