import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { errorTable } from '../../src/errors.js';
import { operations } from '../../src/operations/index.js';
import type { Operation } from '../../src/operations/operation.js';
import { type Answer, makeOffshoot, type Offshoot } from '../support/offshoot.js';
import { argumentsFor, MARK } from './arguments.js';
import { openWire, type Wire } from './wire.js';

const seed = Date.now() % 1_000_000_000;
const RUNS = 150;
/** On a slow machine an operation is called more seldom, but never fewer times than this. */
const FEWEST_RUNS = 10;
const OPERATION_MS = 600;

let offshoot: Offshoot;
let lastId = 0;
/** How often each answer came: a fuzz that only ever hears one is none. */
const heard = new Map<string, number>();

/** Checks the form of what a call answered: a value of the operation, or an envelope without what was sent. */
function checkAnswer(operation: Operation, answer: Answer): void {
  const heardAs = answer.ok ? 'ok' : answer.error.code;
  heard.set(heardAs, (heard.get(heardAs) ?? 0) + 1);
  if (answer.ok) {
    const parsed = operation.output.safeParse(answer.value);
    assert.ok(parsed.success, `${operation.tool} answered what is not its output`);
    return;
  }
  const { error } = answer;
  assert.ok(error.code in errorTable, error.code);
  assert.notEqual(error.code, 'internal_error');
  assert.equal(typeof error.message, 'string');
  assert.equal(error.temporary, errorTable[error.code as keyof typeof errorTable].temporary);
  assert.equal(error.retry_after_ms === null, !error.temporary);
  assert.ok(error.repair.next_step && error.repair.advice);
  assert.ok(!JSON.stringify(answer).includes(MARK), 'a rejected value came back');
}

/** Calls with generated arguments, over whichever protocol, and checks each answer. */
async function fuzz(operation: Operation, call: (input: string) => Promise<Answer>): Promise<void> {
  const until = performance.now() + OPERATION_MS;
  let runs = 0;
  const property = fc.asyncProperty(argumentsFor(operation), async (input) => {
    runs += 1;
    if (runs > FEWEST_RUNS && performance.now() > until) return;
    checkAnswer(operation, await call(input));
  });
  await fc.assert(property, { seed, numRuns: RUNS, endOnFailure: true });
}

before(async () => {
  offshoot = await makeOffshoot({
    environment: {
      OFFSHOOT_BACKEND: 'command',
      OFFSHOOT_COMMAND: 'cat >/dev/null',
      OFFSHOOT_LOG_LEVEL: 'error',
    },
  });
  await offshoot.start();
});
after(() => offshoot.remove());

describe(`generated arguments (seed ${seed})`, () => {
  describe('on the line of the command', () => {
    let wire: Wire;
    before(async () => {
      wire = await openWire(offshoot.stateDir, 'operations');
    });
    after(() => wire.close());

    for (const operation of operations) {
      it(`${operation.tool} answers a value of its own or an envelope`, () =>
        fuzz(operation, async (input) => {
          lastId += 1;
          const line = `{"id":${lastId},"operation":"${operation.tool}","input":${input}}`;
          const answer = await wire.ask(lastId, line);
          assert.notEqual(answer, null, 'the daemon hung up');
          return answer;
        }));
    }
  });

  describe('over MCP', () => {
    let wire: Wire;
    const request = (method: string, params: string) => {
      lastId += 1;
      return wire.ask(lastId, `{"jsonrpc":"2.0","id":${lastId},"method":"${method}","params":${params}}`);
    };
    before(async () => {
      wire = await openWire(offshoot.stateDir, 'mcp');
      const hello =
        '{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"f","version":"0"}}';
      assert.ok((await request('initialize', hello)).result);
      wire.send('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    });
    after(() => wire.close());

    for (const operation of operations) {
      it(`${operation.tool} answers a result with a value of its own or an envelope`, () =>
        fuzz(operation, async (input) => {
          const answer = await request('tools/call', `{"name":"${operation.tool}","arguments":${input}}`);
          assert.notEqual(answer, null, 'the daemon hung up');
          const { result, error } = answer;
          // What is no tools/call at all is refused by the protocol, without what was sent.
          if (error !== undefined) {
            assert.ok(Number.isInteger(error.code) && !JSON.stringify(error).includes(MARK));
            return { ok: false, error: sampleError };
          }
          const structured = result.structuredContent;
          assert.deepEqual(JSON.parse(result.content[0].text), structured);
          assert.equal(result.isError === true, !structured.ok);
          return structured.ok ? { ok: true, value: structured } : structured;
        }));
    }
  });

  it('a line longer than any may be ends that connection at most', async () => {
    const wire = await openWire(offshoot.stateDir, 'operations');
    const task = 'x'.repeat(11 * 1024 * 1024);
    const answer = await wire.ask(
      1,
      `{"id":1,"operation":"codex_delegate_async","input":{"task":"${task}"}}`,
    );
    assert.ok(answer === null || answer.ok === false);
    wire.close();
  });

  for (const [what, line] of [
    ['no JSON', '{"id":1,'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['JSON that is no request', '[1,2,3]'],
    ['deeply nested JSON', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['a request without an id', '{"operation":"codex_status"}'],
    ['a prototype for a request', '{"__proto__":{"id":1,"operation":"codex_status"}}'],
  ] as const) {
    it(`${what} ends that connection at most`, async () => {
      for (const protocol of ['operations', 'mcp'] as const) {
        const wire = await openWire(offshoot.stateDir, protocol);
        wire.send(line);
        wire.close();
      }
    });
  }

  it('the daemon is the same, alive, and clean afterwards', async (context) => {
    context.diagnostic(JSON.stringify(Object.fromEntries(heard)));
    assert.ok(heard.has('ok') && heard.has('invalid_arguments') && heard.has('job_not_found'));
    // The connection of the beginning: a daemon that was started again would not have it.
    const status = await offshoot.call('codex_status');
    assert.equal(status.ok, true);
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });
});

const sampleError = {
  code: 'invalid_arguments',
  message: '',
  temporary: false,
  retry_after_ms: null,
  repair: { next_step: 'x', advice: 'x' },
};
