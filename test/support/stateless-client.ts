import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { RawClientDispatch } from '@modelcontextprotocol/ext-tasks/client';
import { connectDaemon } from '../../src/ipc/connect.js';
import { type Hello, ownHello } from '../../src/ipc/hello.js';
import { lineConnection } from '../../src/ipc/line-connection.js';
import { listen } from '../../src/ipc/listen.js';
import { mcpService } from '../../src/mcp/serve-mcp.js';
import { type HttpServed, serveOverHttp } from './http.js';
import { type McpHouse, makeMcpHouse } from './mcp-house.js';

export const REVISION = '2026-07-28';
export const clientInfo = { name: 'stateless test', version: '1' };
export const taskCapabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } };

// biome-ignore lint/suspicious/noExplicitAny: whatever the server answers is what tests look at.
type Message = any;

/** Sends requests of revision 2026-07-28 by hand, each with all that it has to say for itself. */
export interface StatelessClient {
  /** The whole response: result or error. Notifications that come before it go to `onNotification`. */
  ask(method: string, params?: object, options?: AskOptions): Promise<Message>;
  close(): void;
}

export interface AskOptions {
  /** What the client understands; null leaves the envelope out, as older revisions do. */
  capabilities?: object | null;
  onNotification?: (notification: Message) => void;
}

const envelopeOf = (capabilities: object) => ({
  'io.modelcontextprotocol/protocolVersion': REVISION,
  'io.modelcontextprotocol/clientInfo': clientInfo,
  'io.modelcontextprotocol/clientCapabilities': capabilities,
});

let lastId = 0;
function requestOf(method: string, params: object, capabilities: object | null): Message {
  lastId += 1;
  const request = { jsonrpc: '2.0', id: lastId, method, params };
  if (capabilities === null) return request;
  const { _meta } = params as { _meta?: object };
  return { ...request, params: { ...params, _meta: { ...envelopeOf(capabilities), ..._meta } } };
}

export function statelessOverHttp({ url, token }: { url: string; token: string }): StatelessClient {
  const gone = new AbortController();
  return {
    async ask(method, params = {}, { capabilities = taskCapabilities, onNotification } = {}) {
      return postStateless(
        { url, token },
        requestOf(method, params, capabilities),
        gone.signal,
        onNotification,
      );
    },
    close: () => gone.abort(),
  };
}

async function postStateless(
  { url, token }: { url: string; token: string },
  message: Message,
  signal: AbortSignal,
  onNotification: AskOptions['onNotification'] = () => {},
): Promise<Message> {
  const { name, taskId, uri } = message.params ?? {};
  const named = name ?? taskId ?? uri;
  const response = await fetch(url, {
    method: 'POST',
    signal,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': REVISION,
      'mcp-method': message.method,
      ...(named === undefined ? {} : { 'mcp-name': named }),
    },
    body: JSON.stringify(message),
  });
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (data === undefined) continue;
      const event = JSON.parse(data);
      if (event.id === message.id) return event;
      onNotification(event);
    }
  }
  return JSON.parse(text);
}

/** A client on a connection of its own, on which it may also take back what it asked. */
export interface ConnectedClient extends StatelessClient {
  cancel(requestId: unknown): void;
}

/** `over` says of its bridge what is otherwise than of this process. */
export async function statelessOverSocket(path: string, over: Partial<Hello> = {}): Promise<ConnectedClient> {
  const reached = await connectDaemon({ socket: path, hello: { ...ownHello('mcp'), ...over } });
  if (!reached.ok) throw new Error(reached.fault.message);
  const connection = lineConnection(reached.value.socket);
  const waiting = new Map<number, (answer: Message) => void>();
  const listeners = new Set<(notification: Message) => void>();
  connection.listen(
    (line) => {
      const message = JSON.parse('bytes' in line ? line.bytes.toString() : 'null');
      if (waiting.has(message?.id)) waiting.get(message.id)?.(message);
      else for (const listener of listeners) listener(message);
    },
    () => {},
  );
  return {
    ask(method, params = {}, { capabilities = taskCapabilities, onNotification } = {}) {
      const request = requestOf(method, params, capabilities);
      if (onNotification !== undefined) listeners.add(onNotification);
      const answer = new Promise<Message>((resolve) => waiting.set(request.id, resolve));
      connection.send(JSON.stringify(request));
      return answer;
    },
    cancel(requestId) {
      const params = { requestId, _meta: envelopeOf({}) };
      connection.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params }));
    },
    close: connection.close,
  };
}

/** What the tasks package needs to send requests that its SDK does not know. */
export const rawDispatch =
  (served: { url: string; token: string }): RawClientDispatch =>
  async (request, options) => {
    lastId += 1;
    const message = { jsonrpc: '2.0', id: lastId, ...(request as object) };
    return postStateless(served, message, options?.signal ?? new AbortController().signal);
  };

/** A house that is served over HTTP and over a socket. */
export interface ServedHouse {
  house: McpHouse;
  served: HttpServed;
  /** Of the socket. */
  path: string;
  /** Has another daemon take over over HTTP; answers where it is served now. */
  takeOver(): Promise<HttpServed>;
  remove(): Promise<void>;
}

export async function serveHouse(): Promise<ServedHouse> {
  const house = await makeMcpHouse();
  const mcp = mcpService(house.service);
  let served = await serveOverHttp({ stateDir: house.stateDir, mcp });
  const path = join(house.stateDir, 'daemon.sock');
  const listener = await listen({ path, version: '0', accept: { mcp: mcp.serve, operations: () => {} } });
  assert.ok(listener.ok);
  return {
    house,
    served,
    path,
    async takeOver() {
      await served.close();
      await house.restart();
      served = await serveOverHttp({ stateDir: house.stateDir, mcp: mcpService(house.service) });
      return served;
    },
    async remove() {
      await served.close();
      await listener.value.close();
      await house.remove();
    },
  };
}
