import assert from 'node:assert/strict';
import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { ensureToken, revokeToken } from '../../src/http/tokens.js';
import { mcpService } from '../../src/mcp/serve-mcp.js';
import { ask, goodHeaders, type HttpServed, initializeBody, serveOverHttp } from '../support/http.js';
import { lastWait, until } from '../support/link-toys.js';
import { type McpHouse, makeMcpHouse } from '../support/mcp-house.js';
import { statelessOverHttp } from '../support/stateless-client.js';

const REQUESTS = 200;

describe('connections over HTTP', () => {
  it('stay open for a busy client, which sends many requests one after the other', async () => {
    const served = await serveOverHttp();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    const post = (headers: Record<string, string>, body: string) =>
      new Promise<IncomingMessage>((resolve, reject) => {
        const outgoing = request(served.url, { method: 'POST', agent, headers }, (answer) => {
          ports.add(answer.socket.localPort);
          answer
            .resume()
            .once('end', () => resolve(answer))
            .once('error', reject);
        });
        // A connection that is reset in between ends here.
        outgoing.once('error', reject).end(body);
      });

    // What the server is set to, in seconds, stands in its own answers: a client's model may take as long.
    const refused = await post({}, '');
    assert.equal(refused.statusCode, 401);
    assert.ok(Number(/^timeout=(\d+)$/.exec(String(refused.headers['keep-alive']))?.[1]) >= 120);
    const begun = await post(goodHeaders(served.token), initializeBody);
    const session = String(begun.headers['mcp-session-id']);
    for (let id = 1; id <= REQUESTS; id += 1) {
      const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' });
      const answer = await post(goodHeaders(served.token, { 'mcp-session-id': session }), body);
      assert.equal(answer.statusCode, 200);
    }
    assert.equal(ports.size, 1);
    agent.destroy();
    await served.close();
  });
});

describe('a connection with requests sent before the last is answered', () => {
  it('leaves nothing behind when it is gone', async () => {
    let now = 0;
    const served = await serveOverHttp({ limits: { sweepMs: 20, sessionIdleMs: 1_000 }, now: () => now });
    const begun = await ask(served.url, { headers: goodHeaders(served.token), body: initializeBody });
    const headers = goodHeaders(served.token, {
      host: 'localhost',
      'mcp-session-id': String(begun.headers['mcp-session-id']),
    });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const post = (id: number, milliseconds: number) => {
      const params = { name: 'toy_wait', arguments: { milliseconds } };
      const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params });
      return `POST /mcp HTTP/1.1\r\n${lines.join('')}content-length: ${body.length}\r\n\r\n${body}`;
    };
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1');
    lastWait.ended = '';
    socket.write(post(1, 60_000) + post(2, 1) + post(3, 60_000));
    await until(() => lastWait.ended === 'in time');
    socket.destroy();
    // Only a session with nothing open is ended for being idle.
    await until(() => {
      now += 1_000;
      return served.sessions() === 0;
    });
    assert.equal(lastWait.ended, 'aborted');
    await served.close();
  });
});

describe('a client that sends and never reads', () => {
  /** Sends a text again and again, until the server closes the connection. */
  async function pour(served: HttpServed, text: (session: string) => string): Promise<void> {
    const begun = await ask(served.url, { headers: goodHeaders(served.token), body: initializeBody });
    const request = text(String(begun.headers['mcp-session-id']));
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1').pause();
    const closed = new Promise((resolve) => socket.on('error', () => {}).once('close', resolve));
    const fill = () => {
      while (!socket.destroyed && socket.write(request));
    };
    socket.on('drain', fill);
    fill();
    await closed;
  }
  const postOf = (served: HttpServed, body: string) => (session: string) => {
    const headers = goodHeaders(served.token, { host: 'localhost', 'mcp-session-id': session });
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `POST /mcp HTTP/1.1\r\n${lines.join('')}content-length: ${body.length}\r\n\r\n${body}`;
  };
  const neverSwept = { sweepMs: 3_600_000 };

  it('is cut off after a hundred requests, and holds no other up', { timeout: 120_000 }, async () => {
    const served = await serveOverHttp({ limits: neverSwept });
    const begun = await ask(served.url, { headers: goodHeaders(served.token), body: initializeBody });
    const session = String(begun.headers['mcp-session-id']);
    const poured = pour(served, postOf(served, '{"jsonrpc":"2.0","method":"notifications/initialized"}'));
    const headers = goodHeaders(served.token, { 'mcp-session-id': session });
    const answer = await ask(served.url, { headers, body: '{"jsonrpc":"2.0","id":2,"method":"ping"}' });
    assert.equal(answer.status, 200);
    await poured;
    await served.close();
  });

  it('is cut off when few requests have large answers', { timeout: 120_000 }, async () => {
    const house = await makeMcpHouse();
    const served = await serveOverHttp({
      stateDir: house.stateDir,
      mcp: mcpService(house.service),
      limits: { ...neverSwept, unreadBytes: 1024 * 1024 },
    });
    const batch = Array.from({ length: 100 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'tools/list' }));
    await pour(served, postOf(served, JSON.stringify(batch)));
    await served.close();
    await house.remove();
  });
});

describe('a stream that listens, in revision 2026-07-28', () => {
  let house: McpHouse;
  let served: HttpServed;
  before(async () => {
    house = await makeMcpHouse();
    const mcp = mcpService(house.service);
    served = await serveOverHttp({ stateDir: house.stateDir, mcp, limits: { sweepMs: 20 } });
  });
  after(async () => {
    await served.close();
    await house.remove();
  });

  const jobId = '0'.repeat(32);
  const uri = `offshoot://jobs/${jobId}`;
  for (const [what, notifications] of [
    ['resources', { resourceSubscriptions: [uri] }],
    ['tasks', { taskIds: [jobId] }],
    ['both', { resourceSubscriptions: [uri], taskIds: [jobId] }],
  ] as const) {
    it(`for ${what} ends when its token is revoked, and that of another goes on`, async () => {
      const revoked = statelessOverHttp({ ...served, token: ensureToken(served.stateDir, 'ci') });
      const other = statelessOverHttp(served);
      const heard: unknown[] = [];
      const listen = (client: typeof other) =>
        client.ask('subscriptions/listen', { notifications }, { onNotification: (each) => heard.push(each) });
      let others = 'open';
      const staying = listen(other).then(
        () => (others = 'ended'),
        () => (others = 'closed by the client'),
      );
      const ending = listen(revoked);
      await until(() => heard.length === 2);
      assert.ok(revokeToken(served.stateDir, 'ci'));
      assert.equal((await ending).result.resultType, 'complete');
      assert.equal((await revoked.ask('server/discover')).error.message.includes('token'), true);
      assert.equal(others, 'open');
      other.close();
      await staying;
    });
  }
});
