import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import type { Site } from '../../src/http/site.js';
import { ensureToken, revokeToken } from '../../src/http/tokens.js';
import {
  ask,
  connectOverHttp,
  goodHeaders,
  type HttpServed,
  initializeBody,
  serveOverHttp,
} from '../support/http.js';
import { until } from '../support/link-toys.js';

const SESSION = 'mcp-session-id';

describe('the HTTP server', { concurrency: true }, () => {
  let served: HttpServed;
  before(async () => {
    served = await serveOverHttp({ limits: { bodyBytes: 10_000 } });
  });
  after(() => served.close());

  const post = (headers: Record<string, string>, body: string | Buffer = initializeBody) =>
    ask(served.url, { headers, body });
  const begin = async (token = served.token) => {
    const { status, headers } = await post(goodHeaders(token));
    assert.equal(status, 200);
    return String(headers[SESSION]);
  };
  const ping = (session: string, token = served.token) =>
    post(goodHeaders(token, { [SESSION]: session }), '{"jsonrpc":"2.0","id":2,"method":"ping"}');

  it('serves a client that has a token', async () => {
    assert.equal((await ping(await begin())).status, 200);
  });

  for (const [what, headers] of [
    ['a Host that is not this machine', { host: 'evil.example.com' }],
    ['a Host that only begins like the loopback', { host: 'localhost.evil.example.com' }],
    ['a Host that is no host', { host: 'local host' }],
    ['the Origin of a web page', { origin: 'https://evil.example.com' }],
    ['the Origin of a page with a telling name', { origin: 'http://localhost.evil.example.com' }],
    ['an Origin that hides where it is from', { origin: 'null' }],
    ['an Origin of another scheme', { origin: 'file://localhost' }],
    ['an Origin with a user', { origin: 'http://localhost@evil.example.com' }],
  ] as [string, Record<string, string>][]) {
    it(`refuses ${what}, token or not`, async () => {
      assert.equal((await post(goodHeaders(served.token, headers))).status, 403);
      assert.equal((await post(headers)).status, 403);
    });
  }

  it('takes the names of the loopback, and pages that come from there', async () => {
    for (const headers of [
      { host: 'localhost:1' },
      { host: '[::1]:80' },
      { host: 'LOCALHOST' },
      { origin: 'http://localhost:3000' },
      { origin: 'http://127.0.0.1' },
    ] as unknown as Record<string, string>[]) {
      assert.equal((await post(goodHeaders(served.token, headers))).status, 200, JSON.stringify(headers));
    }
  });

  it('asks for a token, and says how', async () => {
    const strange = [
      '',
      'Bearer',
      'Basic abc',
      'Bearer x',
      `Bearer ${served.token}x`,
      `Bearer ${served.token.slice(0, -1)}`,
    ];
    for (const authorization of [
      ...strange,
      `Bearer offshoot_other_${'A'.repeat(43)}`,
      `Bearer offshoot_../x_${'A'.repeat(43)}`,
    ]) {
      const { status, headers, body } = await post({ ...goodHeaders(''), authorization });
      assert.equal(status, 401);
      assert.match(headers['www-authenticate'] ?? '', /^Bearer/);
      assert.ok(!body.includes(served.token.slice(-10)));
    }
  });

  it('refuses a token from the moment it is revoked, while others go on', async () => {
    const token = ensureToken(served.stateDir, 'short-lived');
    const session = await begin(token);
    assert.equal((await ping(session, token)).status, 200);
    assert.ok(revokeToken(served.stateDir, 'short-lived'));
    assert.equal((await ping(session, token)).status, 401);
    assert.equal((await ping(await begin())).status, 200);
    assert.notEqual(ensureToken(served.stateDir, 'short-lived'), token);
  });

  it('keeps a session for the token that began it', async () => {
    const session = await begin();
    const other = ensureToken(served.stateDir, 'other');
    assert.equal((await ping(session, other)).status, 404);
    assert.equal(
      (await ask(served.url, { method: 'DELETE', headers: goodHeaders(other, { [SESSION]: session }) }))
        .status,
      404,
    );
    assert.equal((await ping(session)).status, 200);
  });

  it('does not know sessions that were never begun, or have ended', async () => {
    assert.equal((await ping('f00f00f0-0000-4000-8000-000000000000')).status, 404);
    assert.equal((await ping('__proto__')).status, 404);
    const session = await begin();
    const ended = await ask(served.url, {
      method: 'DELETE',
      headers: goodHeaders(served.token, { [SESSION]: session }),
    });
    assert.equal(ended.status, 200);
    assert.equal((await ping(session)).status, 404);
  });

  it('begins a session with initialize alone', async () => {
    const served = await serveOverHttp();
    const headers = goodHeaders(served.token);
    for (const body of [
      '{"jsonrpc":"2.0","id":2,"method":"ping"}',
      `[${initializeBody}]`,
      '"initialize"',
      'null',
      '{"method":"initialize"}',
    ]) {
      assert.equal((await ask(served.url, { headers, body })).status, 400, body);
    }
    const unread = { headers: { ...headers, accept: 'text/html' }, body: initializeBody };
    assert.equal((await ask(served.url, unread)).status, 406);
    assert.equal((await ask(served.url, { method: 'GET', headers })).status, 400);
    assert.equal(served.sessions(), 0);
    await served.close();
  });

  it('refuses what is not JSON, by its type and by what it holds', async () => {
    assert.equal((await post(goodHeaders(served.token), '{')).status, 400);
    assert.equal((await post(goodHeaders(served.token), Buffer.from([0xff]))).status, 400);
    assert.equal((await post({ ...goodHeaders(served.token), 'content-type': 'text/plain' })).status, 415);
    assert.equal((await post(goodHeaders(served.token), '['.repeat(5_000))).status, 400);
  });

  it('refuses a body over the limit, told or not told how long it is', async () => {
    const long = JSON.stringify({ x: 'x'.repeat(20_000) });
    assert.equal((await post(goodHeaders(served.token), long)).status, 413);
    const chunked = await post(goodHeaders(served.token, { 'transfer-encoding': 'chunked' }), long);
    assert.equal(chunked.status, 413);
    assert.equal((await ping(await begin())).status, 200);
  });

  it('has one page and three methods', async () => {
    const headers = goodHeaders(served.token);
    const elsewhere = served.url.replace('/mcp', '/other');
    assert.equal((await ask(elsewhere, { headers, body: initializeBody })).status, 404);
    assert.equal((await ask(served.url, { method: 'PUT', headers })).status, 405);
    assert.equal((await ask(`${served.url}?x=1`, { headers, body: initializeBody })).status, 200);
  });
});

describe('the HTTP server under strain', { concurrency: true }, () => {
  it('gives up a client that sends its headers or its body too slowly, and serves others meanwhile', async () => {
    const served = await serveOverHttp({
      limits: { headersMs: 1_000, requestMs: 1_500, keepAliveMs: 5_000 },
    });
    const { port } = new URL(served.url);
    const slow = (text: string) => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => {});
      socket.write(text);
      return once(socket.resume(), 'close');
    };
    const ends = [
      slow('POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: '),
      slow(
        `POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${served.token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
      ),
    ];
    const { client } = await connectOverHttp(served);
    await Promise.all(ends);
    // Longer under way than a request may take to arrive: only sending is timed.
    const answer = await client.callTool({ name: 'toy_wait', arguments: { milliseconds: 2_500 } });
    assert.deepEqual(answer.structuredContent, { ok: true, ended: 'in time' });
    await client.close();
    await served.close();
  });

  it('refuses sessions over the cap, until one is ended', async () => {
    const served = await serveOverHttp({ limits: { sessions: 2 } });
    const first = await connectOverHttp(served);
    const second = await connectOverHttp(served);
    const refused = await ask(served.url, { headers: goodHeaders(served.token), body: initializeBody });
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers['retry-after']) > 0);
    await first.transport.terminateSession();
    await first.client.close();
    const third = await connectOverHttp(served);
    await Promise.all([second.client.close(), third.client.close()]);
    await served.close();
  });

  it('makes room for a new session by ending the one that was not used for longest', async () => {
    let now = 0;
    const served = await serveOverHttp({ limits: { sessions: 2 }, now: () => now });
    const begin = async () =>
      String(
        (await ask(served.url, { headers: goodHeaders(served.token), body: initializeBody })).headers[
          SESSION
        ],
      );
    const [oldest, newer] = [await begin(), await begin()];
    const ping = async (session: string) =>
      (
        await ask(served.url, {
          headers: goodHeaders(served.token, { [SESSION]: session }),
          body: '{"jsonrpc":"2.0","id":2,"method":"ping"}',
        })
      ).status;
    now = 59_000;
    assert.equal(await ping(newer), 200);
    now = 61_000;
    await begin();
    assert.deepEqual([await ping(oldest), await ping(newer)], [404, 200]);
    await served.close();
  });

  it('ends sessions that are idle, but none that listens or whose call is under way', async () => {
    let now = 0;
    const served = await serveOverHttp({ limits: { sessionIdleMs: 1_000, sweepMs: 20 }, now: () => now });
    const idle = await ask(served.url, { headers: goodHeaders(served.token), body: initializeBody });
    assert.equal(idle.status, 200);
    const { client } = await connectOverHttp(served);
    assert.equal(served.sessions(), 2);
    const call = { name: 'toy_wait', arguments: { milliseconds: 500 } };
    const waiting = client.callTool(call, undefined, {
      // By then it is under way.
      onprogress: () => {
        now = 1_000;
      },
    });
    await until(() => served.sessions() === 1);
    assert.deepEqual((await waiting).structuredContent, { ok: true, ended: 'in time' });
    await client.close();
    await until(() => {
      now += 1_000;
      return served.sessions() === 0;
    });
    await served.close();
  });

  it('ends what a revoked token has open', async () => {
    const served = await serveOverHttp({ limits: { sweepMs: 20 } });
    const token = ensureToken(served.stateDir, 'ci');
    const begun = await ask(served.url, { headers: goodHeaders(token), body: initializeBody });
    const stream = await fetch(served.url, {
      headers: goodHeaders(token, { [SESSION]: String(begun.headers[SESSION]) }),
    });
    assert.equal(stream.status, 200);
    revokeToken(served.stateDir, 'ci');
    await stream.text();
    assert.equal(served.sessions(), 0);
    await served.close();
  });

  it('ends answers and WebSockets of the page that a revoked token has open, also when it was made anew', async () => {
    const sockets = new WebSocketServer({ noServer: true });
    const site: Site = {
      isPublic: () => false,
      serve: async (_, response) => response.writeHead(200).write('begun'),
      upgrade(request, socket, head) {
        sockets.handleUpgrade(request, socket, head, (opened) => opened.send('begun'));
        return true;
      },
      close: () => sockets.close(),
    };
    const served = await serveOverHttp({ site, limits: { sweepMs: 20 } });
    const { origin, host } = new URL(served.url);
    const token = ensureToken(served.stateDir, 'page');
    const readWith = async (good: string) => {
      const answer = await fetch(`${origin}/api/feed`, { headers: { authorization: `Bearer ${good}` } });
      const reader = answer.body?.getReader();
      assert.ok(reader);
      assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), 'begun');
      return reader;
    };
    const [reader, other] = [await readWith(token), await readWith(served.token)];
    const socket = new WebSocket(`ws://${host}/inspect?token=${token}`);
    await once(socket, 'message');
    revokeToken(served.stateDir, 'page');
    ensureToken(served.stateDir, 'page');
    const ended = await Promise.all([reader.read().catch(() => 'ended'), once(socket, 'close')]);
    assert.deepEqual([ended[0], ended[1][0]], ['ended', 1006]);
    assert.equal(
      (await ask(`${origin}/api/feed`, { method: 'HEAD', headers: goodHeaders(token) })).status,
      401,
    );
    await other.cancel();
    await served.close();
  });

  it('cuts off a client that does not read, and what that client had is given back', async () => {
    let now = 0;
    const served = await serveOverHttp({ limits: { sweepMs: 50, sessionIdleMs: 1_000 }, now: () => now });
    const begun = await ask(served.url, { headers: goodHeaders(served.token), body: initializeBody });
    const params = { name: 'toy_echo', arguments: { text: 'x'.repeat(4_000_000) } };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1').pause();
    socket.on('error', () => {});
    const headers = goodHeaders(served.token, {
      host: 'localhost',
      [SESSION]: String(begun.headers[SESSION]),
      'content-length': String(body.length),
    });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`POST /mcp HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
    // Only a session with nothing open is ended for being idle.
    await until(() => {
      now += 1_000;
      return served.sessions() === 0;
    });
    socket.destroy();
    await served.close();
  });

  it('says clearly that its port is taken', async () => {
    const served = await serveOverHttp();
    const { listenHttp } = await import('../../src/http/listen-http.js');
    const { port } = new URL(served.url);
    const second = await listenHttp({
      address: { host: '127.0.0.1', port: Number(port) },
      mcp: {} as never,
      stateDir: served.stateDir,
      log: {} as never,
      now: Date.now,
    });
    assert.ok(!second.ok);
    assert.match(second.fault.message, new RegExp(`127\\.0\\.0\\.1:${port} \\(EADDRINUSE\\)`));
    await served.close();
  });
});
