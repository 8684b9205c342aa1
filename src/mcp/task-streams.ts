import {
  type JSONRPCMessage,
  type RequestId,
  SUBSCRIPTION_ID_META_KEY,
  type Transport,
} from '@modelcontextprotocol/server';
import type { listenForTasks, TaskListening } from './task-listening.js';

type Listen = (message: unknown) => ReturnType<typeof listenForTasks>;

/** A connection on which clients can listen for tasks. */
export function transportWithTasks(
  connection: Transport,
  listen: Listen,
  onerror: (error: Error) => void,
): Transport {
  const open = new Map<RequestId, TaskListening>();
  /** One translation after the other, so that what is told stays in order. */
  let translating = Promise.resolve();

  const transport: Transport = {
    async start() {
      connection.onmessage = take;
      connection.onclose = () => transport.onclose?.();
      connection.onerror = onerror;
      await connection.start();
    },
    async send(message) {
      const id = listeningOf(message);
      const listening = id === undefined ? undefined : open.get(id);
      if (id === undefined || listening === undefined) return connection.send(message);
      translating = translating.then(() => forward(id, listening, message)).catch(onerror);
      return translating;
    },
    close: () => connection.close(),
  };

  function take(message: JSONRPCMessage): void {
    const listening = listen(message);
    if (listening !== null && 'refusal' in listening) {
      connection.send(listening.refusal).catch(onerror);
      return;
    }
    if (listening !== null) open.set(listening.request.id, listening);
    if ('method' in message && message.method === 'notifications/cancelled') {
      open.delete(message.params?.requestId as RequestId);
    }
    transport.onmessage?.(listening?.request ?? message);
  }

  async function forward(id: RequestId, listening: TaskListening, message: JSONRPCMessage): Promise<void> {
    const translated = await listening.translate(message);
    // The client may have ended it meanwhile.
    if (open.get(id) !== listening) return;
    if (!('method' in message)) open.delete(id);
    for (const each of translated) await connection.send(each);
  }

  return transport;
}

/** The request that a message of the SDK's belongs to: it answers it, or says so. */
function listeningOf(message: JSONRPCMessage): RequestId | undefined {
  if (!('method' in message)) return message.id;
  return (message.params?._meta as Record<string, unknown> | undefined)?.[SUBSCRIPTION_ID_META_KEY] as
    | RequestId
    | undefined;
}

/** The SDK's answer to a listening over HTTP, as its client is to read it. */
export function responseWithTasks(response: Response, { translate }: TaskListening): Response {
  if (response.body === null || response.headers.get('content-type') !== 'text/event-stream') return response;
  const body = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(splitEvents())
    .pipeThrough(new TransformStream<string, string>({ transform: translateEvent }))
    .pipeThrough(new TextEncoderStream());
  return new Response(body, response);

  async function translateEvent(
    event: string,
    output: TransformStreamDefaultController<string>,
  ): Promise<void> {
    const data = /^data: (.*)$/m.exec(event)?.[1];
    // Comments keep the connection alive.
    if (data === undefined) return output.enqueue(`${event}\n\n`);
    for (const message of await translate(JSON.parse(data))) {
      output.enqueue(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
    }
  }
}

/** Server-sent events, each without the empty line that ends it. */
function splitEvents(): TransformStream<string, string> {
  let rest = '';
  return new TransformStream({
    transform(text, output) {
      const events = (rest + text).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) output.enqueue(event);
    },
  });
}
