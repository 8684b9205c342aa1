import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { type Mcp, mcpService } from '../../src/mcp/serve-mcp.js';
import { withConformanceFixtures } from '../support/conformance-fixtures.js';
import { type HttpServed, serveOverHttp } from '../support/http.js';
import { type McpHouse, makeMcpHouse } from '../support/mcp-house.js';

const execute = promisify(execFile);
const suite = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
  'dist/index.js',
);

/** Scenarios that ask for nothing but what any server with these capabilities has. */
const forAnyServer = [
  'server-initialize',
  'ping',
  'tools-list',
  'tools-call-simple-text',
  'tools-call-error',
  'resources-list',
  'resources-subscribe',
  'resources-unsubscribe',
  'server-sse-multiple-streams',
  'server-sse-polling',
  'dns-rebinding-protection',
];

/** The suite cannot send a token, so something between it and the server does; all else goes through as it is. */
async function withToken({ url, token }: HttpServed): Promise<{ url: string; close(): Promise<void> }> {
  const forwarder: Server = createServer((incoming, response) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${token}` };
    const outgoing = httpRequest(url, { method: incoming.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers).flushHeaders();
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    response.once('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => forwarder.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(forwarder.address() as AddressInfo).port}/mcp`,
    close: () =>
      new Promise((resolve) => {
        forwarder.close(() => resolve());
        forwarder.closeAllConnections();
      }),
  };
}

/** Runs every scenario; answers what was said of each in the summary: whether it passed, and its line. */
async function runSuite(url: string): Promise<Map<string, { passed: boolean; line: string }>> {
  const parameters = [suite, 'server', '--url', url, '--suite', 'all'];
  // It exits with 1 when any scenario has failed, as some must.
  const ran = await execute(process.execPath, parameters, { maxBuffer: 64 * 1024 * 1024 }).catch(
    (error) => error,
  );
  const lines = String(ran.stdout).matchAll(/^([✓✗]) ([\w-]+): \d+ passed, \d+ failed/gm);
  return new Map([...lines].map(([line, mark, name = '']) => [name, { passed: mark === '✓', line }]));
}

describe('the official conformance suite', () => {
  let house: McpHouse;
  before(async () => {
    house = await makeMcpHouse();
  });
  after(() => house.remove());

  const builds: [string, (mcp: Mcp) => Mcp, (all: string[]) => string[]][] = [
    ['the product', (mcp) => mcp, () => forAnyServer],
    [
      'a build with the fixtures it wants',
      (mcp) => ({
        ...mcp,
        newSessionServer: (client) => withConformanceFixtures(mcp.newSessionServer(client)),
      }),
      (all) => all,
    ],
  ];
  for (const [what, build, choose] of builds) {
    it(`passes against ${what}`, async () => {
      const served = await serveOverHttp({ stateDir: house.stateDir, mcp: build(mcpService(house.service)) });
      const door = await withToken(served);
      const summary = await runSuite(door.url);
      await door.close();
      await served.close();
      assert.ok(summary.size >= 32, 'The suite has run.');
      assert.deepEqual(
        choose([...summary.keys()]).filter((name) => !summary.get(name)?.passed),
        [],
      );
    });
  }
});
