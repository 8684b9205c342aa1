import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { createSite, type SiteNeeds } from '../../src/page/site.js';
import { silentLog } from '../support/link-toys.js';

it('a tab that says that it is there keeps the daemon from leaving as idle', async () => {
  let called = 0;
  const site = createSite({
    operations: [],
    house: {
      called() {
        called += 1;
      },
    } as SiteNeeds['house'],
    inspection: {
      feed: { watch: () => null, close: () => {} },
      definition: '{}',
    } as unknown as SiteNeeds['inspection'],
    metrics: { contentType: 'text/plain', render: async () => '' },
    log: silentLog,
  });
  const server = createServer((request, response) => void site.serve(request, response, request.url ?? ''));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { status } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/here`);
    assert.deepEqual([status, called], [204, 1]);
  } finally {
    site.close();
    server.closeAllConnections();
    server.close();
  }
});
