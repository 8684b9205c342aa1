import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { hostname, networkInterfaces } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { comesFromElsewhere } from '../../src/http/guard.js';
import { ask, goodHeaders, type HttpServed, initializeBody, serveOverHttp } from '../support/http.js';

/** An address at which others can reach this machine; the loopback's where it has none. */
const outward =
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';

describe('HTTP at all addresses of the machine', { concurrency: true }, () => {
  let served: HttpServed;
  let url: string;
  before(async () => {
    served = await serveOverHttp({ host: '0.0.0.0' });
    url = served.url.replace('0.0.0.0', outward);
  });
  after(() => served.close());

  const status = async (headers: Record<string, string>) =>
    (await ask(url, { headers, body: initializeBody })).status;

  it('asks for a token there, too', async () => {
    const { authorization: _, ...without } = goodHeaders('');
    assert.equal(await status(without), 401);
    assert.equal(await status(goodHeaders(`offshoot_default_${'A'.repeat(43)}`)), 401);
    assert.equal(await status(goodHeaders(served.token)), 200);
  });

  for (const [what, host] of [
    ['an address of the machine', '192.0.2.7:8765'],
    ['an address of IPv6', '[2001:db8::7]:8765'],
    ["the machine's own name", hostname().toUpperCase()],
    ['the loopback', 'localhost'],
  ] as const) {
    it(`takes ${what} for its Host`, async () => {
      assert.equal(await status(goodHeaders(served.token, { host })), 200);
    });
  }

  for (const host of [
    'evil.example.com',
    `${hostname()}.evil.example.com`,
    '192.0.2.7.evil.example.com',
    'user@192.0.2.7',
  ]) {
    it(`refuses ${host.replace(hostname(), 'NAME')} as its Host, token or not`, async () => {
      assert.equal(await status(goodHeaders(served.token, { host })), 403);
      assert.equal(await status({ host }), 403);
    });
  }

  it('takes its own pages, and those of no other machine', async () => {
    const from = (origin: string) => status(goodHeaders(served.token, { host: '192.0.2.7:8765', origin }));
    assert.equal(await from('http://192.0.2.7:8765'), 200);
    assert.equal(await from('http://192.0.2.8:8765'), 403);
    assert.equal(await from('http://evil.example.com'), 403);
  });
});

describe('HTTP at an address that the user names', () => {
  const elsewhere = (headers: object, servedAt: string) =>
    comesFromElsewhere({ headers } as IncomingMessage, servedAt);

  it('takes that name, however it is written, and no other', () => {
    assert.equal(elsewhere({ host: 'build.lan:8765' }, 'Build.lan'), false);
    assert.equal(elsewhere({ host: 'BUILD.LAN:8765', origin: 'http://build.lan:8765' }, 'build.lan'), false);
    assert.equal(elsewhere({ host: 'build.lan:8765' }, '127.0.0.1'), true);
    assert.equal(elsewhere({ host: 'other.lan:8765' }, 'build.lan'), true);
    assert.equal(elsewhere({ host: 'build.lan', origin: 'http://other.lan' }, 'build.lan'), true);
  });
});
