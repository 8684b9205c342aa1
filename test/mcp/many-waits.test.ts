import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { helloLine, ownHello, type Protocol } from '../../src/ipc/hello.js';
import { lineConnection } from '../../src/ipc/line-connection.js';
import { type Listener, listen } from '../../src/ipc/listen.js';
import { serveOperations } from '../../src/ipc/serve-operations.js';
import { mcpService } from '../../src/mcp/serve-mcp.js';
import { type McpHouse, makeMcpHouse } from '../support/mcp-house.js';

const WAITS = 1_500;

let house: McpHouse;
let path: string;
let listener: Listener;
before(async () => {
  house = await makeMcpHouse();
  path = join(house.stateDir, 'daemon.sock');
  const listening = await listen({
    path,
    version: '0',
    accept: {
      mcp: mcpService(house.service).serve,
      operations: (connection, hello) =>
        serveOperations(connection, hello, { ...house.service, control: {} }),
    },
  });
  assert.ok(listening.ok);
  listener = listening.value;
});
after(async () => {
  await listener.close();
  await house.remove();
});

interface Heard {
  id: number;
  result?: { content: { text: string }[]; structuredContent: object };
  value?: object;
}

/** A client that writes lines, and hears the answers by their ids. */
async function connectTo(protocol: Protocol) {
  const socket = connect(path);
  socket.write(`${helloLine(ownHello(protocol))}\n`);
  await once(socket, 'data');
  const heard = new Map<number, (answer: Heard) => void>();
  lineConnection(socket).listen(
    (line) => {
      const answer = JSON.parse(String('bytes' in line && line.bytes));
      heard.get(answer.id)?.(answer);
    },
    () => undefined,
  );
  let last = 0;
  return {
    ask(message: object): Promise<Heard> {
      last += 1;
      const id = last;
      socket.write(`${JSON.stringify({ ...message, id })}\n`);
      return new Promise((resolve) => heard.set(id, resolve));
    },
    close: () => socket.destroy(),
  };
}

const call: Record<Protocol, (tool: string, input: object) => object> = {
  mcp: (name, input) => ({ jsonrpc: '2.0', method: 'tools/call', params: { name, arguments: input } }),
  operations: (operation, input) => ({ operation, input, listens: false }),
};
interface Answer {
  ok: boolean;
  timed_out: boolean;
  jobs: { job_id: string; status: string }[];
}

function answerOf({ result, value }: Heard) {
  if (result !== undefined) assert.equal(result.content[0]?.text, JSON.stringify(result.structuredContent));
  return (result?.structuredContent ?? value) as { [key: string]: unknown };
}

for (const protocol of ['mcp', 'operations'] as const) {
  test(`over ${protocol}, more calls can wait than may work at once, and others are answered meanwhile`, async () => {
    const client = await connectTo(protocol);
    const ask = async (tool: string, input: object) =>
      answerOf(await client.ask(call[protocol](tool, input)));
    const { job_id: jobId } = await ask('codex_delegate_async', {
      task: 'work',
      workspace_root: house.repository,
    });
    const waits = Array.from({ length: WAITS }, () =>
      ask('codex_job_wait', { job_ids: [jobId], timeout_seconds: 50 }),
    );
    if (protocol === 'mcp') await client.ask({ jsonrpc: '2.0', method: 'ping' });
    assert.equal((await ask('codex_job_status', { job_id: jobId })).ok, true);
    await house.finish(String(jobId));
    const answers = await Promise.all(waits);
    const told = new Set(answers.map((answer) => JSON.stringify(answer)));
    assert.equal(told.size, 1, 'all whom one end wakes are told the same');
    const [{ ok, timed_out: timedOut, jobs }] = answers as unknown as [Answer];
    assert.deepEqual([ok, timedOut, jobs[0]?.job_id, jobs[0]?.status], [true, false, jobId, 'done']);
    client.close();
  });
}

test('the calls that wait are bounded, and one that waits no longer makes room', () => {
  const connection = lineConnection(new Socket());
  const rests = Array.from({ length: 10_000 }, () => connection.begin().rest());
  assert.ok(rests.every((resume) => resume !== null));
  const { rest } = connection.begin();
  assert.equal(rest(), null);
  rests.pop()?.();
  assert.notEqual(rest(), null);
});
