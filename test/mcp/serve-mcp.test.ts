import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { type CallToolResult, ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { helloLine, ownHello } from '../../src/ipc/hello.js';
import { type LineConnection, lineConnection } from '../../src/ipc/line-connection.js';
import type { Listener } from '../../src/ipc/listen.js';
import { mcpService } from '../../src/mcp/serve-mcp.js';
import { version } from '../../src/version.js';
import { temporaryDirectory } from '../support/directory.js';
import { lastWait, toyListener, toyService, until } from '../support/link-toys.js';
import { connectClient, newClient } from '../support/mcp-client.js';

let directory: string;
let remove: () => Promise<void>;
let path: string;
let listener: Listener;
let client: Client;
before(async () => {
  ({ path: directory, remove } = await temporaryDirectory());
  path = join(directory, 'daemon.sock');
  listener = await toyListener(path);
  client = await connectClient(path);
  // The client checks structured content, that of refusals too, once it knows the tools.
  await client.listTools();
});
after(async () => {
  await client.close();
  await listener.close();
  await remove();
});

const call = async (name: string, input: unknown, by = client) =>
  (await by.callTool({ name, arguments: input as Record<string, unknown> })) as CallToolResult;

interface Envelope {
  ok: boolean;
  error: { code: string; details: { fields: { field: string; reason: string }[] } };
}
const refusalOf = (result: CallToolResult) => result.structuredContent as unknown as Envelope;

test('the server tells its name, its version and how to work with it', () => {
  assert.deepEqual(client.getServerVersion(), { name: 'offshoot', title: 'Offshoot', version });
  const instructions = client.getInstructions() ?? '';
  assert.ok(instructions.length < 1_800);
  // Some clients show their model no more than the beginning.
  assert.ok(instructions.slice(0, 500).includes('codex_delegate_async'));
});

test('a tool answers the same as structured content and as text', async () => {
  const result = await call('toy_echo', { text: 'Grüße 🐙' });
  assert.deepEqual(result.structuredContent, { ok: true, text: 'Grüße 🐙' });
  assert.deepEqual(result.content, [{ type: 'text', text: JSON.stringify(result.structuredContent) }]);
  assert.equal(result.isError, undefined);
});

test('a tool without arguments may be called without any', async () => {
  assert.deepEqual(((await client.callTool({ name: 'toy_pid' })) as CallToolResult).structuredContent, {
    ok: true,
    pid: process.pid,
  });
});

test('a refusal is an error that carries the envelope', async () => {
  const result = await call('toy_refuse', {});
  assert.equal(result.isError, true);
  assert.equal(refusalOf(result).error.code, 'queue_full');
  assert.deepEqual(result.content, [{ type: 'text', text: JSON.stringify(result.structuredContent) }]);
});

test('an unknown tool and a tool that throws are refused, and the connection lives', async () => {
  for (const name of ['no_such_tool', '__proto__', 'toString', '']) {
    assert.equal(refusalOf(await call(name, {})).error.code, 'unknown_tool');
  }
  const broken = await call('toy_broken', {});
  assert.equal(refusalOf(broken).error.code, 'internal_error');
  assert.ok(!JSON.stringify(broken).includes('a bug'));
});

const SECRET = 'hunter2';
const badArguments: [what: string, input: unknown, fields: string[]][] = [
  ['of the wrong type', { text: { [SECRET]: SECRET } }, ['text']],
  ['that are missing', {}, ['text']],
  ['out of bounds', { text: '', count: 31_337 }, ['count']],
  ['that are no whole number', { text: '', count: 1.25 }, ['count']],
  ['nobody knows', { text: '', [`odd_${'x'.repeat(300)}`]: SECRET }, [`odd_${'x'.repeat(124)}`]],
  ['with control characters in the name', { text: '', 'a\u001b[31m': SECRET }, ['(name withheld)']],
  ['with a lone surrogate in the name', { text: '', 'a\ud800': SECRET }, ['(name withheld)']],
];
for (const [what, input, fields] of badArguments) {
  test(`arguments ${what} are refused by name, without their value`, async () => {
    const result = await call('toy_echo', input);
    const { error } = refusalOf(result);
    assert.equal(error.code, 'invalid_arguments');
    assert.deepEqual(
      error.details.fields.map(({ field }) => field),
      fields,
    );
    assert.ok(!JSON.stringify(result).includes(SECRET) && !JSON.stringify(result).includes('31337'));
  });
}

test('however many arguments are wrong, the refusal stays short', async () => {
  const input = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`name_${index}`, 1]));
  const result = await call('toy_echo', { text: '', ...input });
  assert.ok(JSON.stringify(result).length < 10_000);
});

/** Speaks to the server by lines of its own making. */
async function rawConnection(at = path): Promise<{
  ask(line: string | Buffer): Promise<Record<string, unknown>>;
  close(): void;
}> {
  const socket = connect(at);
  socket.write(`${helloLine(ownHello('mcp'))}\n`);
  await once(socket, 'data');
  const connection: LineConnection = lineConnection(socket);
  let heard: (answer: Record<string, unknown>) => void = () => {};
  connection.listen(
    (line) => heard('bytes' in line ? JSON.parse(line.bytes.toString()) : {}),
    () => heard({ closed: true }),
  );
  return {
    ask: (line) =>
      new Promise((resolve) => {
        heard = resolve;
        socket.write(line);
        socket.write('\n');
      }),
    close: () => socket.destroy(),
  };
}

const errorOf = (answer: Record<string, unknown>) => answer.error as { code: number };
const deep = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
const toolCall = (params: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;

test('lines that are no message are answered as JSON-RPC says, and the next one is served', async () => {
  const raw = await rawConnection();
  assert.equal(errorOf(await raw.ask('what?')).code, -32700);
  assert.equal(errorOf(await raw.ask(Buffer.from([0xff, 0xfe, 0x00]))).code, -32700);
  assert.equal(errorOf(await raw.ask('[]')).code, -32600);
  assert.equal(errorOf(await raw.ask('['.repeat(1_000_000))).code, -32700);
  assert.deepEqual(await raw.ask('{"id":5}'), {
    jsonrpc: '2.0',
    id: 5,
    error: { code: -32600, message: 'The object is not a JSON-RPC 2.0 message.' },
  });
  assert.equal(errorOf(await raw.ask('{"jsonrpc":"2.0","id":6,"method":"no/such"}')).code, -32601);
  assert.deepEqual((await raw.ask('{"jsonrpc":"2.0","id":7,"method":"ping"}')).result, {});
  raw.close();
});

test('an initialize that says too little is told what it lacks, and may be sent again', async () => {
  const raw = await rawConnection();
  const initialize = (params: string) => raw.ask(`{"jsonrpc":"2.0","id":0,"method":"initialize"${params}}`);
  for (const params of ['', ',"params":{"protocolVersion":7,"capabilities":{}}'])
    assert.deepEqual((await initialize(params)).error, {
      code: -32602,
      message: 'initialize needs protocolVersion, capabilities, and clientInfo with name and version.',
    });
  const clientInfo = '"clientInfo":{"name":"x","version":"1"}';
  const begun = await initialize(
    `,"params":{"protocolVersion":"1999-01-01","capabilities":{},${clientInfo}}`,
  );
  assert.equal((begun.result as { protocolVersion: string }).protocolVersion, '2025-11-25');
  raw.close();
});

test('a line that is not UTF-8 is refused, so that no other text is taken for it', async () => {
  const raw = await rawConnection();
  const line = Buffer.from(toolCall('{"name":"toy_echo","arguments":{"text":"caf?"}}'));
  line[line.indexOf('?')] = 0xe9;
  const answer = await raw.ask(line);
  assert.deepEqual([answer.id, errorOf(answer).code], [1, -32700]);
  raw.close();
});

test('a message that the SDK throws at does not take the next ones along', async () => {
  const raw = await rawConnection();
  const ping = '{"jsonrpc":"2.0","id":7,"method":"ping"}';
  assert.equal((await raw.ask(`{"jsonrpc":"2.0","id":6,"result":{"x":${deep}}}\n${ping}`)).id, 7);
  raw.close();
});

test('a client without sessions is let go where its adapter cannot be loaded, and others are served', async () => {
  const elsewhere = `${path}-broken`;
  const mcp = mcpService(toyService, () => Promise.reject(new Error('There is no such file.')));
  const broken = await toyListener(elsewhere, mcp);
  const raw = await rawConnection(elsewhere);
  assert.deepEqual(await raw.ask('{"jsonrpc":"2.0","id":1,"method":"server/discover"}'), { closed: true });
  const served = await connectClient(elsewhere);
  assert.equal((await call('toy_pid', {}, served)).structuredContent?.pid, process.pid);
  await served.close();
  await broken.close();
});

test('what a request says of tasks is ignored, for the server declares none', async () => {
  const raw = await rawConnection();
  const echo = (more: string) =>
    raw.ask(toolCall(`{"name":"toy_echo","arguments":{"text":"x","count":2},${more}}`));
  const plain = (await echo('"_meta":{}')).result;
  assert.deepEqual((await echo('"task":{"ttl":1000}')).result, plain);
  const meta = '"_meta":{"progressToken":7,"io.modelcontextprotocol/related-task":{"taskId":"t"}}';
  assert.deepEqual((await echo(`"task":{},${meta}`)).result, plain);
  const notice = await raw.ask(toolCall(`{"name":"toy_wait","arguments":{"milliseconds":1},${meta}}`));
  assert.deepEqual(notice.params, { progressToken: 7, progress: 1, message: 'begun' });
  raw.close();
});

test('a list that has one page has no page at a cursor', async () => {
  const raw = await rawConnection();
  for (const method of ['tools/list', 'prompts/list', 'resources/templates/list']) {
    const list = (cursor: string) =>
      raw.ask(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":{"cursor":"${cursor}"}}`);
    assert.equal(errorOf(await list('abc')).code, -32602);
    assert.ok('result' in (await list('')));
  }
  raw.close();
});

test('a message of 12 MiB is refused under its own id, and the next one is served', async () => {
  const raw = await rawConnection();
  const answer = await raw.ask(
    toolCall(JSON.stringify({ name: 'toy_echo', arguments: { text: 'x'.repeat(12 << 20) } })),
  );
  assert.equal(answer.id, 1);
  assert.equal((answer.error as { data: Envelope }).data.error.code, 'input_too_large');
  assert.deepEqual((await raw.ask('{"jsonrpc":"2.0","id":7,"method":"ping"}')).result, {});
  raw.close();
});

for (const [what, params, code] of [
  [
    'arguments nested a million deep',
    `{"name":"toy_echo","arguments":{"text":${deep}}}`,
    'invalid_arguments',
  ],
  [
    'an unknown argument nested as deep',
    `{"name":"toy_pid","arguments":{"text":${deep}}}`,
    'invalid_arguments',
  ],
  ['a lone surrogate', '{"name":"toy_echo","arguments":{"text":1,"x":"\\ud800"}}', 'invalid_arguments'],
  ['arguments that are an array', '{"name":"toy_echo","arguments":[1]}', 'invalid_arguments'],
  ['arguments that are a text', '{"name":"toy_echo","arguments":"x"}', 'invalid_arguments'],
  ['arguments that are null', '{"name":"toy_echo","arguments":null}', 'invalid_arguments'],
  ['a __proto__ argument', '{"name":"toy_echo","arguments":{"__proto__":{"text":"x"}}}', 'invalid_arguments'],
  ['a name that is a number', '{"name":1}', 'unknown_tool'],
  ['no params', 'null', 'invalid'],
] as const) {
  test(`a call with ${what} gets an answer that says what is wrong`, async () => {
    const raw = await rawConnection();
    const answer = await raw.ask(toolCall(params));
    assert.ok(JSON.stringify(answer).includes(code) || errorOf(answer).code === -32600);
    assert.equal(answer.id, 1);
    raw.close();
  });
}

test('progress is told to who asked for it, before the answer', async () => {
  const heard: string[] = [];
  await client.callTool({ name: 'toy_wait', arguments: { milliseconds: 20 } }, undefined, {
    onprogress: ({ progress, message }) => heard.push(`${progress} ${message}`),
  });
  assert.deepEqual(heard, ['1 begun']);
});

test('cancelling a call ends its wait', async () => {
  const controller = new AbortController();
  lastWait.ended = '';
  const answer = client.callTool({ name: 'toy_wait', arguments: { milliseconds: 60_000 } }, undefined, {
    signal: controller.signal,
    onprogress: () => controller.abort(),
  });
  await assert.rejects(answer);
  await until(() => lastWait.ended === 'aborted');
});

test('a client that goes away ends its waits', async () => {
  const leaving = await connectClient(path);
  lastWait.ended = '';
  const answer = leaving.callTool({ name: 'toy_wait', arguments: { milliseconds: 60_000 } }, undefined, {
    onprogress: () => void leaving.close(),
  });
  await assert.rejects(answer);
  await until(() => lastWait.ended === 'aborted');
});

test('the workspace is where the client runs unless it declares roots', async () => {
  assert.equal((await call('toy_where', {})).structuredContent?.directory, process.cwd());
});

test('the workspace is the first file root, asked for once and again when roots have changed', async () => {
  const rooted = newClient({ roots: { listChanged: true } });
  let root = '/tmp/a b';
  let asked = 0;
  rooted.setRequestHandler(ListRootsRequestSchema, () => {
    asked += 1;
    return { roots: [{ uri: 'https://example.com/' }, { uri: pathToFileURL(root).href }] } as never;
  });
  await connectClient(path, rooted);
  const where = async () => (await call('toy_where', {}, rooted)).structuredContent?.directory;
  assert.deepEqual([await where(), await where(), asked], ['/tmp/a b', '/tmp/a b', 1]);
  root = '/tmp/c';
  await rooted.sendRootsListChanged();
  assert.deepEqual([await where(), asked], ['/tmp/c', 2]);
  await rooted.close();
});

test('a client that cannot tell its roots is taken to work where it runs', async () => {
  const rooted = newClient({ roots: {} });
  rooted.setRequestHandler(ListRootsRequestSchema, () => {
    throw new Error('no');
  });
  await connectClient(path, rooted);
  assert.equal((await call('toy_where', {}, rooted)).structuredContent?.directory, process.cwd());
  await rooted.close();
});

test('a client that could not tell its roots is asked again, three times at most', async () => {
  const late = newClient({ roots: {} });
  let asked = 0;
  let answers = false;
  late.setRequestHandler(ListRootsRequestSchema, () => {
    asked += 1;
    if (!answers) throw new Error('not yet');
    return { roots: [{ uri: 'file:///tmp/late' }] };
  });
  await connectClient(path, late);
  const where = async (by: Client) => (await call('toy_where', {}, by)).structuredContent?.directory;
  assert.equal(await where(late), process.cwd());
  answers = true;
  assert.deepEqual([await where(late), await where(late), asked], ['/tmp/late', '/tmp/late', 2]);
  await late.close();

  const never = newClient({ roots: {} });
  asked = 0;
  never.setRequestHandler(ListRootsRequestSchema, () => {
    asked += 1;
    throw new Error('no');
  });
  await connectClient(path, never);
  for (let call = 1; call <= 5; call += 1) assert.equal(await where(never), process.cwd());
  assert.equal(asked, 3);
  await never.close();
});

test('a hundred clients are served side by side', async () => {
  const clients = await Promise.all(Array.from({ length: 100 }, () => connectClient(path)));
  const answers = await Promise.all(
    clients.map((each, index) => call('toy_echo', { text: `${index}` }, each)),
  );
  assert.deepEqual(
    answers.map((answer) => answer.structuredContent?.text),
    clients.map((_, index) => `${index}`),
  );
  await Promise.all(clients.map((each) => each.close()));
});
