import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Asked, readAsked } from './asked.js';
import { answer, type Reply } from './reply.js';

/** One request to the model, as a script sees it. */
export interface ModelRequest extends Asked {
  /** How often this step of this task was asked before in its thread: 0 at first, more when the agent retries. */
  retry: number;
}

/** Chooses what the model says. May take its time: the agent waits as long as the promise is open. */
export type Script = (request: ModelRequest) => Reply | Promise<Reply>;

export interface ScriptedModel {
  /** Base URL of the API, for `providerConfig`. */
  url: string;
  /** Every request so far, oldest first; those of one task if it is named. */
  requests(task?: string): readonly ModelRequest[];
  /** The `count`-th request, at once or as soon as it has come; of one task if it is named. */
  requested(count: number, task?: string): Promise<ModelRequest>;
  /** Ends every open connection and frees the port. */
  close(): Promise<void>;
}

/**
 * A model that follows a script: an HTTP server on a free port of the loopback that speaks the part of
 * OpenAI's Responses API that Codex uses. It lets the real Codex CLI run without an account.
 */
export async function startScriptedModel(script: Script): Promise<ScriptedModel> {
  const seen: ModelRequest[] = [];
  const arrivals = new EventEmitter().setMaxListeners(0);
  const requests = (task?: string) => seen.filter((request) => task === undefined || request.task === task);

  const askedBefore = new Map<string, number>();

  const take = (asked: Asked): ModelRequest => {
    const key = `${asked.thread} ${asked.step} ${asked.task}`;
    const retry = askedBefore.get(key) ?? 0;
    askedBefore.set(key, retry + 1);
    const request = { ...asked, retry };
    seen.push(request);
    arrivals.emit('request');
    return request;
  };
  const server = createServer((incoming, response) => {
    serve(incoming, response, async (asked) => script(take(asked))).catch((error: Error) =>
      response.destroy(error),
    );
  });
  await listen(server);

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    requested: (count, task) =>
      new Promise((resolve) => {
        const look = () => {
          const request = requests(task)[count - 1];
          if (request === undefined) return;
          arrivals.off('request', look);
          resolve(request);
        };
        arrivals.on('request', look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * What a user writes into config.toml to use a model at `url`. The key is read from the variable `envKey`.
 * `retries` bounds both kinds of retry; Codex's own numbers unless given.
 */
export function providerConfig(url: string, envKey: string, retries?: number): string {
  const limits =
    retries === undefined ? [] : [`request_max_retries = ${retries}`, `stream_max_retries = ${retries}`];
  return [
    // A name that Codex knows: it warns about others in every job.
    'model = "gpt-5.5"',
    'model_provider = "scripted"',
    '',
    '[model_providers.scripted]',
    'name = "Scripted model"',
    `base_url = "${url}"`,
    'wire_api = "responses"',
    `env_key = "${envKey}"`,
    ...limits,
    '',
  ].join('\n');
}

const listen = (server: Server) =>
  new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });

async function serve(
  incoming: IncomingMessage,
  response: ServerResponse,
  reply: (asked: Asked) => Promise<Reply>,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  if (incoming.method === 'GET' && incoming.url?.startsWith('/v1/models')) {
    response.setHeader('content-type', 'application/json').end('{"object":"list","data":[],"models":[]}');
    return;
  }
  if (incoming.method !== 'POST' || incoming.url !== '/v1/responses') {
    response.writeHead(404).end();
    return;
  }
  const asked = readAsked(JSON.parse(Buffer.concat(chunks).toString('utf8')), incoming.headers);
  answer(response, await reply(asked), asked.step);
}
