import assert from 'node:assert/strict';
import { mkdir, readFile, rmdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { it } from 'node:test';
import { serveHttp } from '../../src/http/serve-http.js';
import { mcpService } from '../../src/mcp/serve-mcp.js';
import { temporaryDirectory } from '../support/directory.js';
import { testSettings } from '../support/house.js';
import { silentLog, toyService } from '../support/link-toys.js';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

it('the port is free again where it cannot be written down that HTTP is served there', async () => {
  const temporary = await temporaryDirectory();
  const settings = testSettings(temporary.path, { http: { host: '127.0.0.1', port: await freePort() } });
  const file = join(settings.stateDir, 'http');
  const serve = () => serveHttp(settings, { mcp: mcpService(toyService), log: silentLog, now: Date.now });
  await mkdir(file, { recursive: true });
  await assert.rejects(serve());
  await rmdir(file);
  const served = await serve();
  assert.ok(served.ok);
  assert.equal(await readFile(file, 'utf8'), `${served.value?.url}\n`);
  await served.value?.close();
  await temporary.remove();
});
