import assert from 'node:assert/strict';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { after, before, beforeEach, describe, it } from 'node:test';
import { ask, goodHeaders, type HttpServed, initializeBody, serveOverHttp } from '../support/http.js';
import { lastWait, until } from '../support/link-toys.js';

const call = (id: number | string, name: string, input: object, more: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: input, ...more },
});
const progressToken = { _meta: { progressToken: 'p' } };
const messagesOf = (body: string) =>
  [...body.matchAll(/^data: (.+)$/gm)].map(([, data = '']) => JSON.parse(data));

describe('a session over HTTP', () => {
  let served: HttpServed;
  let headers: Record<string, string>;
  before(async () => {
    served = await serveOverHttp();
  });
  after(() => served.close());
  beforeEach(async () => {
    const begun = await ask(served.url, { headers: goodHeaders(served.token), body: initializeBody });
    headers = goodHeaders(served.token, { 'mcp-session-id': String(begun.headers['mcp-session-id']) });
  });

  const post = (message: unknown) => ask(served.url, { headers, body: JSON.stringify(message) });
  /** A POST or GET of which only the headers are waited for. */
  const open = (method: string, message?: unknown) =>
    new Promise<{ outgoing: ClientRequest; incoming: IncomingMessage }>((resolve, reject) => {
      const outgoing = request(served.url, { method, headers, agent: false }, (incoming) => {
        incoming.on('error', () => {});
        resolve({ outgoing, incoming });
      });
      outgoing.on('error', reject).end(message === undefined ? undefined : JSON.stringify(message));
    });
  /** A call that is under way: its first progress is here. */
  const openWait = async (id: number) => {
    const opened = await open('POST', call(id, 'toy_wait', { milliseconds: 60_000 }, progressToken));
    await new Promise((resolve) => opened.incoming.once('data', resolve));
    return opened;
  };

  it('answers a call as JSON', async () => {
    const answer = await post(call('a', 'toy_echo', { text: 'Grüße 🐙' }));
    assert.equal(answer.headers['content-type'], 'application/json');
    const { id, result } = JSON.parse(answer.body);
    assert.equal(id, 'a');
    assert.deepEqual(result.structuredContent, { ok: true, text: 'Grüße 🐙' });
  });

  it('answers a call that tells of its progress with a stream, the answer last', async () => {
    const answer = await post(call(0, 'toy_wait', { milliseconds: 1 }, progressToken));
    assert.equal(answer.headers['content-type'], 'text/event-stream');
    const [progress, last] = messagesOf(answer.body);
    assert.equal(progress.method, 'notifications/progress');
    assert.equal(progress.params.progressToken, 'p');
    assert.equal(last.id, 0);
    assert.equal(last.result.structuredContent.ended, 'in time');
  });

  it('answers each request of a batch on one stream', async () => {
    const answer = await post([
      call(1, 'toy_echo', { text: 'one' }),
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      call(2, 'toy_echo', { text: 'two' }),
    ]);
    assert.deepEqual(
      messagesOf(answer.body).map(({ id, result }) => [id, result.structuredContent.text]),
      [
        [1, 'one'],
        [2, 'two'],
      ],
    );
  });

  it('refuses a batch that is too long, that is empty, or in which an id stands twice', async () => {
    const long = Array.from({ length: 101 }, (_, id) => call(id, 'toy_pid', {}));
    const twice = [call(1, 'toy_pid', {}), call(1, 'toy_pid', {})];
    for (const batch of [long, [], twice]) {
      const { status, body } = await post(batch);
      assert.deepEqual([status, JSON.parse(body).error.code], [400, -32600]);
    }
  });

  it('answers the rest of a batch in which the SDK throws at a message', async () => {
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
    const body = `[{"jsonrpc":"2.0","id":2,"result":{"x":${deep}}},${ping}]`;
    const answer = await ask(served.url, { headers, body });
    assert.deepEqual(JSON.parse(answer.body).result, {});
  });

  it('tells an initialize that says too little what it lacks', async () => {
    const body = JSON.stringify({ ...JSON.parse(initializeBody), params: { capabilities: {} } });
    const { status, body: told } = await ask(served.url, { headers: goodHeaders(served.token), body });
    assert.equal(status, 400);
    assert.match(told, /-32602.*initialize needs protocolVersion/);
  });

  it('refuses a body that is not UTF-8', async () => {
    const body = Buffer.from(JSON.stringify(call(1, 'toy_echo', { text: 'caf?' })));
    body[body.indexOf('?')] = 0xe9;
    const answer = await ask(served.url, { headers, body });
    assert.deepEqual([answer.status, JSON.parse(answer.body).error.code], [400, -32700]);
  });

  it('takes what needs no answer', async () => {
    const { status, body } = await post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    assert.deepEqual([status, body], [202, '']);
  });

  it('begins once, and serves no revision that it does not know', async () => {
    assert.equal((await post(JSON.parse(initializeBody))).status, 400);
    headers['mcp-protocol-version'] = '1999-01-01';
    assert.equal((await post(call(1, 'toy_pid', {}))).status, 400);
    assert.equal((await ask(served.url, { method: 'GET', headers })).status, 400);
    headers['mcp-protocol-version'] = '2025-06-18';
    assert.equal((await post(call(1, 'toy_pid', {}))).status, 200);
  });

  it('refuses a second request with the id of one that is under way', async () => {
    const waiting = await openWait(7);
    const refused = await post(call(7, 'toy_pid', {}));
    assert.equal(refused.status, 400);
    assert.match(refused.body, /same id/);
    assert.equal((await post(call(8, 'toy_pid', {}))).status, 200);
    waiting.outgoing.destroy();
  });

  it('has one stream to listen on, and another once that is closed', async () => {
    const { accept, ...deaf } = headers;
    assert.equal((await ask(served.url, { method: 'GET', headers: deaf })).status, 406);
    const first = await open('GET');
    assert.equal(first.incoming.headers['content-type'], 'text/event-stream');
    assert.equal((await ask(served.url, { method: 'GET', headers })).status, 409);
    first.outgoing.destroy();
    let status: number | undefined = 409;
    await until(async () => {
      const { incoming, outgoing } = await open('GET');
      status = incoming.statusCode;
      outgoing.destroy();
      return status === 200;
    });
  });

  it('ends a call whose client went away, and one that the client takes back', async () => {
    const dropped = await openWait(1);
    lastWait.ended = '';
    dropped.outgoing.destroy();
    await until(() => lastWait.ended === 'aborted');

    const cancelled = await openWait(1);
    lastWait.ended = '';
    const ended = new Promise((resolve) => cancelled.incoming.resume().once('end', resolve));
    const params = { requestId: 1 };
    assert.equal((await post({ jsonrpc: '2.0', method: 'notifications/cancelled', params })).status, 202);
    await ended;
    await until(() => lastWait.ended === 'aborted');
  });

  it('answers what is under way when it is ended', async () => {
    const streaming = await openWait(1);
    const ended = new Promise((resolve) => streaming.incoming.resume().once('end', resolve));
    const silent = post(call(2, 'toy_wait', { milliseconds: 60_000 }));
    lastWait.ended = '';
    assert.equal((await ask(served.url, { method: 'DELETE', headers })).status, 200);
    await ended;
    assert.equal((await silent).status, 404);
    await until(() => lastWait.ended === 'aborted');
  });
});
