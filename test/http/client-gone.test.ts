import assert from 'node:assert/strict';
import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import pino from 'pino';
import { clientGone } from '../../src/http/client-gone.js';
import { listenHttp } from '../../src/http/listen-http.js';
import { ensureToken } from '../../src/http/tokens.js';
import { mcpService } from '../../src/mcp/serve-mcp.js';
import { writeLine } from '../../src/page/respond.js';
import { temporaryDirectory } from '../support/directory.js';
import { testSettings } from '../support/house.js';
import { ask, goodHeaders } from '../support/http.js';
import { toyService, until } from '../support/link-toys.js';

describe('a client that goes away', () => {
  let arrived: (response: ServerResponse) => void = () => {};
  const server = createServer((_, response) => arrived(response));
  let url: string;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  async function open() {
    const response = new Promise<ServerResponse>((resolve) => {
      arrived = resolve;
    });
    const outgoing = request(url, { agent: false });
    outgoing.on('error', () => {}).end();
    return { outgoing, response: await response };
  }

  it('is noticed while it is waited for, and by who begins to look only then', async () => {
    const { outgoing, response } = await open();
    const gone = clientGone(response);
    assert.equal(gone.aborted, false);
    outgoing.destroy();
    await until(() => gone.aborted);
    assert.equal(clientGone(response).aborted, true);
  });

  it('is none that has got its whole answer', async () => {
    const { outgoing, response } = await open();
    const gone = clientGone(response);
    outgoing.on('response', (incoming) => incoming.resume());
    response.end('all');
    await until(() => response.destroyed);
    assert.equal(gone.aborted || clientGone(response).aborted, false);
  });

  it('leaves no listener for each line that it was slow to read', async () => {
    const { outgoing, response } = await open();
    outgoing.on('response', (incoming) => incoming.resume());
    const gone = clientGone(response);
    const listeners = response.listenerCount('close');
    for (let line = 0; line < 20; line += 1) await writeLine(response, 'x'.repeat(200_000), gone);
    assert.equal(response.listenerCount('close'), listeners);
    outgoing.destroy();
    await until(() => gone.aborted);
    await writeLine(response, 'more', gone);
  });
});

describe('the log of the HTTP server', () => {
  it('tells what breaks, and not that a client went away', async () => {
    const temporary = await temporaryDirectory();
    const { stateDir } = testSettings(temporary.path);
    const lines: string[] = [];
    let left = () => {};
    const listening = await listenHttp({
      address: { host: '127.0.0.1', port: 0 },
      mcp: mcpService(toyService),
      stateDir,
      now: Date.now,
      log: pino({ level: 'info' }, { write: (line: string) => lines.push(line) }),
      site: {
        isPublic: () => false,
        async serve(_, response, path) {
          if (path === '/left') await new Promise((resolve) => response.once('close', resolve)).then(left);
          throw new Error(`a bug at ${path}`);
        },
        upgrade: () => false,
        close: () => {},
      },
    });
    if (!listening.ok) throw new Error(listening.fault.message);
    const headers = goodHeaders(ensureToken(stateDir, 'default'));
    const url = (path: string) => new URL(path, listening.value.url).href;
    const leaves = new Promise<void>((resolve) => {
      left = resolve;
    });
    const outgoing = request(url('/left'), { headers, agent: false });
    outgoing.on('error', () => {}).end();
    outgoing.once('finish', () => setImmediate(() => outgoing.destroy()));
    await leaves;
    assert.equal((await ask(url('/broken'), { method: 'GET', headers })).status, 500);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).err.message),
      ['a bug at /broken'],
    );
    await listening.value.close();
    await temporary.remove();
  });
});
