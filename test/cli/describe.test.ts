import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { explain } from '../../src/cli/answer.js';
import { describeNextSteps, describePage, describeResult } from '../../src/cli/describe-result.js';
import { describeList, describeState, describeWait } from '../../src/cli/describe-state.js';
import { callWithKey, type Link } from '../../src/cli/link.js';
import { checkInput } from '../../src/cli/operation-command.js';
import { decodePage, readWholePatch } from '../../src/cli/patch-pages.js';
import { readTask, readText } from '../../src/cli/task-text.js';
import { jsonDocument, printable, printableValue } from '../../src/cli/terminal.js';
import { type ErrorCode, type Outcome, refuse, succeed } from '../../src/errors.js';
import { jobResult } from '../../src/operations/job-result.js';
import { describeJob } from '../../src/operations/job-state.js';
import { makeCall, makeRecord, NOON, putSettledJob } from '../support/operations.js';

const state = (record: ReturnType<typeof makeRecord>) =>
  describeJob({ record, queuePosition: null, replayed: false }, NOON);

describe('what people read', () => {
  it('of a job is its state, and why it ended', () => {
    const ending = { kind: 'failed' as const, code: 'agent_failed', message: 'It broke.' };
    const text = describeState(state(makeRecord('f', 'failed', { ending })));
    assert.match(text, /^f {2}failed\n/);
    assert.match(text, /reason +It broke\./);
    assert.match(text, /advice +Read the agent/);
  });

  it('of a wait is a line for each job', () => {
    const ending = { kind: 'failed' as const, code: 'agent_failed', message: 'It broke.' };
    const jobs = [
      state(makeRecord('a', 'done')),
      { ...state(makeRecord('b', 'failed', { ending })), label: 'port' },
      { job_id: 'c', status: 'unknown' as const },
    ];
    assert.equal(
      describeWait({ jobs, timed_out: true }),
      'a  done\nb  failed  port  It broke.\nc  unknown\nThe time ran out; the jobs go on.\n',
    );
    assert.equal(describeWait({ jobs: [], timed_out: false }), 'There are no such jobs.\n');
  });

  it('of a list is a table, or that there is nothing', () => {
    assert.equal(describeList({ ok: true, jobs: [], next_cursor: null }), 'There are no such jobs.\n');
    const job = {
      job_id: 'a',
      label: 'two\nlines',
      kind: 'delegate' as const,
      status: 'queued' as const,
      since: '2026-01-01T12:00:00.000Z',
      accepted_at: '2026-01-01T12:00:00.000Z',
      group_id: null,
      continues: null,
      queue_position: 3,
      workspace_root: '/w',
      patch_bytes: null,
      error_code: null,
    };
    const lines = describeList({ ok: true, jobs: [job], next_cursor: 'c' }).split('\n');
    assert.match(lines[1] ?? '', /^a {4}delegate {2}queued #3 {2}2026-01-01 12:00:00 {2}two lines {2}\/w$/);
    assert.equal(lines[2], 'More: --cursor c');
  });

  it('of a result is the summary, the changed files and how to apply the patch', async () => {
    const call = makeCall();
    const { id } = putSettledJob(call, Buffer.from('+line\n'));
    const outcome = await jobResult.handle({ job_id: id, detail: 'summary', raw: false }, call);
    assert.ok(outcome.ok);
    const text = describeResult(outcome.value) + describeNextSteps(outcome.value);
    assert.match(text, / a\.txt \| \+1 -0\n 1 file, 6 bytes of patch/);
    assert.match(text, new RegExp(`offshoot patch ${id} \\| git apply`));
  });

  it('of a result is its journal too, and the patch, where that was asked for', async () => {
    const call = makeCall();
    const { id } = putSettledJob(call, Buffer.from('+l\xefne\u001b[31m\n', 'latin1'));
    const outcome = await jobResult.handle({ job_id: id, detail: 'full', raw: true }, call);
    assert.ok(outcome.ok);
    const events = [
      { at: '2026-01-01T12:00:00.000Z', state: 'queued', event: 'job.submitted', reason: null },
    ];
    assert.match(
      describeResult({ ...outcome.value, events }),
      /\n\n2026-01-01T12:00:00.000Z {2}queued {2}job.submitted\n$/,
    );
    assert.equal(describePage(outcome.value), '\n+l\ufffdne\n');
    assert.match(describePage({ ...outcome.value, next_cursor: 'c' }), /\nMore: --cursor c\n$/);
  });

  it('of a refusal is what happened, which fields, and what to do', () => {
    const text = explain(
      refuse('invalid_arguments', { details: { fields: [{ field: 'x', reason: 'bad' }] } }).fault,
    );
    assert.match(text, /^error: .*\(invalid_arguments\)\n {2}x: bad\nCorrect/);
    const misfit = checkInput(jobResult.input, { job_id: 'a', cursor: 'x'.repeat(300) });
    assert.match(misfit.ok ? '' : explain(misfit.fault), /cursor: /);
  });

  it('can do nothing to a terminal', () => {
    assert.equal(printable('a\u001b[31mred\u001b]0;title\u0007\u009bb\rc\u202e\n\t'), 'aredbc\n\t');
    assert.deepEqual(printableValue({ k: ['\u001b[2Jx', 1, null] }), { k: ['x', 1, null] });
    const document = jsonDocument({ text: '\u001b[31m\u009b\u007f' });
    assert.ok(!/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(document));
    assert.deepEqual(JSON.parse(document), { text: '\u001b[31m\u009b\u007f' });
  });
});

describe('the task of a delegation', () => {
  const piped = (...chunks: (string | Buffer)[]) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

  it('is the word, or what is piped in', async () => {
    assert.deepEqual(await readTask('do it', piped('ignored')), succeed('do it'));
    assert.deepEqual(await readTask('-', piped('fr', 'om pipe')), succeed('from pipe'));
    const euro = Buffer.from('€');
    assert.deepEqual(await readTask(undefined, piped(euro.subarray(0, 1), euro.subarray(1))), succeed('€'));
  });

  it('is refused when there is none, when it is no text, and when it is too long', async () => {
    const code = async (word: string | undefined, input: Readable & { isTTY?: boolean }) => {
      const outcome = await readTask(word, input);
      return outcome.ok ? null : outcome.fault.code;
    };
    assert.equal(await code(undefined, Object.assign(piped(), { isTTY: true })), 'invalid_arguments');
    assert.equal(await code('-', piped(Buffer.from([0xff]))), 'invalid_arguments');
    assert.equal(await code('-', piped('x'.repeat(200_001))), 'input_too_large');
  });
});

describe('the tasks of a batch', () => {
  it('are refused where they are more than a call can hold, however long the stream', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1_000_000);
      })(),
    );
    const outcome = await readText(endless, 3_000_000);
    assert.equal(!outcome.ok && outcome.fault.code, 'input_too_large');
    assert.equal(endless.destroyed, true);
  });

  it('are handed over once more when the answer got lost, and only then', async () => {
    const calls: unknown[] = [];
    const link = (...codes: ErrorCode[]): Link => ({
      async call<T>(_: string, input: unknown): Promise<Outcome<T>> {
        calls.push(input);
        const code = codes.shift();
        return code === undefined ? succeed('an answer' as T) : refuse(code);
      },
    });
    const input = { idempotency_key: 'k' };
    assert.deepEqual(await callWithKey(link('answer_lost'), 'verb', input), succeed('an answer'));
    assert.deepEqual(calls.splice(0), [input, input]);
    assert.equal((await callWithKey(link('queue_full'), 'verb', input)).ok, false);
    assert.equal(calls.length, 1);
  });
});

describe('the whole patch', () => {
  it('is put together from its pages and held against its hash', async () => {
    const call = makeCall();
    const patch = Buffer.concat([
      Buffer.from('+ok\n'.repeat(30_000)),
      Buffer.from([0xe9, 0x0a]),
      Buffer.alloc(60_000, 0xff),
    ]);
    const { id } = putSettledJob(call, patch);
    const written: Buffer[] = [];
    const link = {
      call: async (_: string, input: unknown) =>
        (await jobResult.handle(jobResult.input.parse(input), call)) as never,
    };
    const read = await readWholePatch(link, id, async (bytes) => written.push(bytes));
    assert.ok(read.ok);
    assert.ok(Buffer.concat(written).equals(patch));
    const lying = {
      call: async () =>
        succeed({ patch: '+x', patch_encoding: 'utf-8', patch_sha256: '0', next_cursor: null }) as never,
    };
    const refused = await readWholePatch(lying, id, async () => {});
    assert.equal(refused.ok ? null : refused.fault.code, 'result_unreadable');
    assert.equal(decodePage({ patch: null, patch_encoding: null }).length, 0);
  });
});
