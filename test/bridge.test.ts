import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import {
  type CallToolResult,
  ListRootsRequestSchema,
  type McpError,
} from '@modelcontextprotocol/sdk/types.js';
import type { ErrorEnvelope } from '../src/errors.js';
import { lastingDirectory } from './support/directory.js';
import { daemonPid, endDaemon, toyBridgeEntry, until } from './support/link-toys.js';
import { newClient } from './support/mcp-client.js';

const directory = lastingDirectory();
let stateDir: string;
let environment: Record<string, string>;
let count = 0;
beforeEach(async () => {
  count += 1;
  stateDir = join(directory, `${count}`);
  environment = { ...(process.env as Record<string, string>), OFFSHOOT_STATE_DIR: stateDir };
  await mkdir(stateDir);
});
const leave: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of leave.splice(0)) await end();
  await endDaemon(stateDir);
});

function startBridge(): ChildProcessWithoutNullStreams {
  const bridge = spawn(process.execPath, [toyBridgeEntry], { env: environment });
  leave.push(() => bridge.kill('SIGKILL'));
  return bridge;
}

async function connectedClient(capabilities = {}) {
  const client = newClient(capabilities);
  const command = process.execPath;
  const transport = new StdioClientTransport({ command, args: [toyBridgeEntry], env: environment });
  await client.connect(transport);
  leave.push(() => client.close());
  const call = async (name: string, input: Record<string, unknown> = {}, options = {}) =>
    ((await client.callTool({ name, arguments: input }, undefined, options)) as CallToolResult)
      .structuredContent;
  return { client, call };
}

const initialize = (id: number) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  });
const initialized = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const toolCall = (id: number, name: string, input: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: input } });

interface Answer {
  id: number;
  result?: { structuredContent?: Record<string, unknown> };
  error?: { code: number; data: { error: { code: string; temporary: boolean } } };
}

async function outputOf(bridge: ChildProcessWithoutNullStreams): Promise<Answer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of bridge.stdout) chunks.push(chunk);
  const lines = Buffer.concat(chunks).toString().trim().split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

test('the bridge starts the daemon and serves a client', async () => {
  const { client, call } = await connectedClient();
  assert.equal((await client.listTools()).tools.length, 6);
  assert.deepEqual(await call('toy_echo', { text: 'hi' }), { ok: true, text: 'hi' });
});

test('lines piped in at once, with CRLF and without a last newline, are all answered before the end', async () => {
  const bridge = startBridge();
  bridge.stdin.end(
    `${initialize(1)}\r\n${initialized}\r\n${toolCall(2, 'toy_wait', { milliseconds: 100 })}\n${toolCall(3, 'toy_pid')}`,
  );
  const exited = once(bridge, 'exit');
  const answers = await outputOf(bridge);
  assert.deepEqual(answers.map(({ id }) => id).sort(), [1, 2, 3]);
  assert.deepEqual(await exited, [0, null]);
});

test('a line cut in the middle of a character arrives whole', async () => {
  const bridge = startBridge();
  const bytes = Buffer.from(`${initialize(1)}\n${toolCall(2, 'toy_echo', { text: '🐙' })}\n`);
  const cut = bytes.indexOf(Buffer.from('🐙')) + 2;
  bridge.stdin.write(bytes.subarray(0, cut));
  // The answer to the first line shows that the half of the second has arrived.
  await once(bridge.stdout, 'readable');
  bridge.stdin.end(bytes.subarray(cut));
  assert.equal((await outputOf(bridge)).at(-1)?.result?.structuredContent?.text, '🐙');
});

test('a killed daemon is replaced without being asked for, and the client keeps its session', async () => {
  const { client, call } = await connectedClient({ roots: {} });
  client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///tmp/root' }] }));
  // Long enough to be taken for a daemon that works.
  await call('toy_wait', { milliseconds: 1_100 });
  await endDaemon(stateDir);
  await until(async () => (await daemonPid(stateDir)) !== null);
  assert.equal((await call('toy_pid'))?.pid, await daemonPid(stateDir));
  // The new daemon knows what the client can do, so its initialize was replayed.
  assert.equal((await call('toy_where'))?.directory, '/tmp/root');
});

test('a request in flight when the daemon dies that may have done its work is answered with an error that says to look first', async () => {
  const { call } = await connectedClient();
  const onprogress = () => void endDaemon(stateDir);
  const lost = call('toy_wait', { milliseconds: 60_000 }, { onprogress });
  await assert.rejects(lost, (error: McpError) => {
    const { data } = error as unknown as { data: ErrorEnvelope };
    assert.deepEqual([error.code, data.error.code, data.error.temporary], [-32000, 'answer_lost', false]);
    assert.match(data.error.repair.advice, /codex_job_list/);
    return true;
  });
  assert.equal((await call('toy_echo', { text: 'again' }))?.text, 'again');
});

test('a daemon that was stopped is started again by the next request, not before', async () => {
  const { call } = await connectedClient();
  await call('toy_pid');
  await endDaemon(stateDir, 'SIGTERM');
  assert.equal(await daemonPid(stateDir), null);
  // The request may cross the daemon's goodbye; it is then refused, to be made again.
  const pid = await call('toy_pid').catch(() => call('toy_pid'));
  assert.equal(pid?.pid, await daemonPid(stateDir));
});

test('when no daemon can be started, requests are refused and the bridge tries again with the next', async () => {
  await mkdir(join(stateDir, 'daemon.lock'));
  const bridge = startBridge();
  const exited = once(bridge, 'exit');
  bridge.stderr.resume();
  bridge.stdin.write(`${initialize(1)}\n`);
  await once(bridge.stdout, 'readable');
  await rmdir(join(stateDir, 'daemon.lock'));
  bridge.stdin.end(`${initialize(2)}\n`);
  const [refused, served] = await outputOf(bridge);
  assert.equal(refused?.error?.data.error.code, 'daemon_unavailable');
  assert.ok(served?.id === 2 && served.result !== undefined);
  assert.deepEqual(await exited, [0, null]);
});

test('garbage and a line of 12 MiB are answered, and the next request is served', async () => {
  const bridge = startBridge();
  const huge = toolCall(2, 'toy_echo', { text: 'x'.repeat(12 << 20) });
  bridge.stdin.end(`${initialize(1)}\ngarbage\n${huge}\n${toolCall(3, 'toy_pid')}\n`);
  const answers = await outputOf(bridge);
  const answerTo = (id: number | null) => answers.find((answer) => answer.id === id);
  assert.equal(answerTo(null)?.error?.code, -32700);
  assert.equal(answerTo(2)?.error?.data.error.code, 'input_too_large');
  assert.ok(answerTo(3)?.result);
});

test('a client that reads slowly gets every byte', async () => {
  const bridge = startBridge();
  bridge.stdout.pause();
  const text = 'x'.repeat(1_000_000);
  const calls = Array.from({ length: 20 }, (_, index) => toolCall(index + 2, 'toy_echo', { text }));
  bridge.stdin.write(`${[initialize(1), ...calls].join('\n')}\n`);
  await once(bridge.stdout, 'readable');
  bridge.stdin.end();
  const answers = await outputOf(bridge);
  assert.equal(answers.length, 21);
  assert.ok(answers.slice(1).every(({ result }) => result?.structuredContent?.text === text));
});

test('the bridge ends at once when it is told to, or when nobody reads its answers', async () => {
  for (const goAway of [
    (bridge: ChildProcessWithoutNullStreams) => bridge.kill('SIGTERM'),
    (bridge: ChildProcessWithoutNullStreams) => {
      bridge.stdout.destroy();
      bridge.stdin.write(`${toolCall(2, 'toy_pid')}\n`);
    },
  ]) {
    const bridge = startBridge();
    bridge.stdin.on('error', () => {});
    bridge.stdin.write(`${initialize(1)}\n`);
    await once(bridge.stdout, 'readable');
    const exited = once(bridge, 'exit');
    goAway(bridge);
    await exited;
  }
});
