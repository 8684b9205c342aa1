import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { jobLayout } from '../../src/job/layout.js';
import { jobResult } from '../../src/operations/job-result.js';
import { makeCall, makeRecord, NOON, putSettledJob, type TestCall } from '../support/operations.js';

const read = (call: TestCall, input: Record<string, unknown>) =>
  jobResult.handle(jobResult.input.parse(input), call);

async function answer(call: TestCall, input: Record<string, unknown>) {
  const outcome = await read(call, input);
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.fault.message);
  return jobResult.output.parse(outcome.value);
}

async function refusal(call: TestCall, input: Record<string, unknown>) {
  const outcome = await read(call, input);
  assert.ok(!outcome.ok);
  return outcome.fault;
}

const run = {
  exitCode: 0,
  summary: 'I changed a.txt.',
  threadId: 'thread',
  usage: { inputTokens: 10, cachedInputTokens: 4, outputTokens: 3, reasoningOutputTokens: 1 },
  containment: 'namespace' as const,
  warnings: ['from the run'],
};
const worktree = { path: '/w', baselineCommit: 'a'.repeat(40), warnings: ['from the worktree'] };

describe('codex_job_result', () => {
  it('answers all that a job which is done left', async () => {
    const call = makeCall();
    const { id } = putSettledJob(call, Buffer.from('+line\n'), { run, worktree });
    const result = await answer(call, { job_id: id });
    assert.equal(result.status, 'done');
    assert.equal(result.summary, 'I changed a.txt.');
    assert.equal(result.patch, '+line\n');
    assert.equal(result.patch_encoding, 'utf-8');
    assert.equal(result.patch_bytes, 6);
    assert.equal(result.next_cursor, null);
    assert.equal(result.baseline_commit, worktree.baselineCommit);
    assert.deepEqual(result.files, [{ path: 'a.txt', status: 'modified', added: 1, removed: 0 }]);
    assert.equal(result.usage?.input_tokens, 10);
    assert.deepEqual(result.timings, { queued: 1_000, worktree: 1_000, running: 1_000, diffing: 1_000 });
    assert.deepEqual(result.warnings, ['from the worktree', 'from the run']);
    assert.equal(result.error, null);
    assert.equal(result.events, undefined);
  });

  it('tells why a job failed, and has no patch where no worktree was made', async () => {
    const call = makeCall();
    const ending = { kind: 'failed' as const, code: 'no_commit', message: 'No commit.' };
    const { id } = putSettledJob(call, null, { ending });
    const result = await answer(call, { job_id: id });
    assert.equal(result.status, 'failed');
    assert.equal(result.patch, null);
    assert.equal(result.patch_bytes, null);
    assert.equal(result.error?.code, 'no_commit');
    assert.match(result.error?.advice ?? '', /commit/);
  });

  it('tells once what a patch leaves out: as a warning, or as the reason why the job failed', async () => {
    for (const [code, warnings] of [
      ['cancelled', ['It is without x.']],
      ['patch_too_large', []],
    ] as const) {
      const call = makeCall();
      const ending = { kind: 'failed' as const, code, message: 'It is without x.' };
      const { id, context } = putSettledJob(call, Buffer.from('+line\n'), { ending });
      if (context.patch !== null) context.patch.leftOut = 'It is without x.';
      const result = await answer(call, { job_id: id });
      assert.deepEqual(result.warnings, warnings);
      assert.equal(result.error?.message, 'It is without x.');
      assert.equal(result.patch, '+line\n');
    }
  });

  it('tells an empty patch from none', async () => {
    const call = makeCall();
    const { id } = putSettledJob(call, Buffer.alloc(0));
    const result = await answer(call, { job_id: id });
    assert.equal(result.patch, '');
    assert.equal(result.patch_bytes, 0);
  });

  it('adds the journal with detail full', async () => {
    const call = makeCall();
    const { id } = putSettledJob(call, Buffer.alloc(0));
    call.house.supervisor.journals.set(id, [
      { at: NOON, state: 'queued', event: 'job.accepted', reason: null },
    ]);
    const { events } = await answer(call, { job_id: id, detail: 'full' });
    assert.deepEqual(events, [
      { at: '2026-01-01T12:00:00.000Z', state: 'queued', event: 'job.accepted', reason: null },
    ]);
  });

  it('pages through a large patch and refuses a cursor of another one', async () => {
    const call = makeCall();
    const patch = '+a line of the patch\n'.repeat(6_000);
    const { id } = putSettledJob(call, Buffer.from(patch));
    const other = putSettledJob(call, Buffer.from(`${patch}+more\n`));
    let text = '';
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const page = await answer(call, { job_id: id, ...(cursor && { cursor }) });
      text += page.patch;
      if (page.next_cursor !== null) {
        assert.equal(
          (await refusal(call, { job_id: other.id, cursor: page.next_cursor })).code,
          'invalid_cursor',
        );
      }
      cursor = page.next_cursor;
    }
    assert.equal(text, patch);
    for (const forged of ['', 'x', '!!!', 'MC4wMDAwMDAwMDAwMDAwMDAw']) {
      assert.equal((await refusal(call, { job_id: id, cursor: forged })).code, 'invalid_cursor');
    }
  });

  it('stays under 100 KB, whatever the agent said and touched', async () => {
    const call = makeCall();
    const loud = {
      ...run,
      summary: '\u0001😀'.repeat(100_000),
      warnings: Array(500).fill('"\\'.repeat(10_000)),
    };
    const { id } = putSettledJob(call, Buffer.from('+"quoted\\"\t\n'.repeat(60_000)), { run: loud });
    const file = { path: 'p'.repeat(4_000), status: 'added', added: 1, removed: 0 };
    writeFileSync(jobLayout(call.house.settings.stateDir, id).files, JSON.stringify(Array(1_000).fill(file)));
    const entry = { at: NOON, state: 'running' as const, event: 'job.resumed', reason: 'r'.repeat(5_000) };
    call.house.supervisor.journals.set(id, Array(200).fill(entry));
    const result = await answer(call, { job_id: id, detail: 'full' });
    const bytes = Buffer.byteLength(JSON.stringify(result));
    assert.ok(bytes < 100_000, `${bytes} bytes`);
    assert.ok((result.events?.length ?? 0) > 1);
    assert.ok(result.files.length > 0);
  });

  it('refuses a job that runs with a call to wait for it, and one that does not exist', async () => {
    const call = makeCall();
    call.house.supervisor.put(makeRecord('r', 'running'));
    const running = await refusal(call, { job_id: 'r' });
    assert.equal(running.code, 'job_running');
    assert.deepEqual(running.repairArguments, { job_ids: ['r'], mode: 'any' });
    assert.equal((await refusal(call, { job_id: 'nope' })).code, 'job_not_found');
  });

  it('never answers a damaged patch as an empty one, but does without the file list', async () => {
    const call = makeCall();
    const { id } = putSettledJob(call, Buffer.from('+line\n'));
    const layout = jobLayout(call.house.settings.stateDir, id);
    rmSync(layout.files);
    const result = await answer(call, { job_id: id });
    assert.deepEqual(result.files, []);
    assert.match(result.warnings.join(), /file list is missing/);
    writeFileSync(layout.patch, '');
    assert.equal((await refusal(call, { job_id: id })).code, 'result_unreadable');
  });

  describe('of a patch with secrets', () => {
    const exact = 'diff --git a/a.txt b/a.txt\n+secret\ndiff --git a/.env b/.env\n+A=1\n';
    const shown = 'diff --git a/a.txt b/a.txt\n+[redacted]\n';
    const end = exact.indexOf('diff --git a/.env');

    function putRedacted(call: TestCall): string {
      const { id } = putSettledJob(call, Buffer.from(exact));
      const layout = jobLayout(call.house.settings.stateDir, id);
      const sha256 = createHash('sha256').update(shown).digest('hex');
      writeFileSync(layout.shownPatch, shown);
      writeFileSync(layout.patchView, JSON.stringify({ bytes: shown.length, sha256 }));
      const file = { status: 'modified', added: 1, removed: 0 };
      writeFileSync(
        layout.files,
        JSON.stringify([
          {
            ...file,
            path: 'a.txt',
            redacted: 'masked',
            exact: { offset: 0, length: end },
            shown: { offset: 0, length: shown.length },
          },
          {
            ...file,
            path: '.env',
            redacted: 'secret_file',
            flags: ['x'],
            exact: { offset: end, length: exact.length - end },
            shown: null,
          },
        ]),
      );
      return id;
    }

    it('shows what is no secret and names the rest; hash and size stay those of the exact patch', async () => {
      const call = makeCall();
      const result = await answer(call, { job_id: putRedacted(call) });
      assert.equal(result.patch, shown);
      assert.equal(result.patch_bytes, exact.length);
      assert.deepEqual(result.redacted, [
        { path: 'a.txt', reason: 'masked' },
        { path: '.env', reason: 'secret_file' },
      ]);
      assert.deepEqual(result.files[1]?.flags, ['x']);
    });

    it('gives the exact bytes with raw', async () => {
      const call = makeCall();
      const result = await answer(call, { job_id: putRedacted(call), raw: true });
      assert.equal(result.patch, exact);
      assert.deepEqual(result.redacted, []);
    });

    it('gives the part of one file, as it is shown or raw, and refuses one that is not in it', async () => {
      const call = makeCall();
      const id = putRedacted(call);
      assert.equal((await answer(call, { job_id: id, path: 'a.txt' })).patch, shown);
      assert.equal((await answer(call, { job_id: id, path: 'a.txt', raw: true })).patch, exact.slice(0, end));
      const withheld = await answer(call, { job_id: id, path: '.env' });
      assert.equal(withheld.patch, '');
      assert.deepEqual(withheld.redacted, [{ path: '.env', reason: 'secret_file' }]);
      assert.equal((await refusal(call, { job_id: id, path: 'b.txt' })).code, 'invalid_arguments');
    });

    it('is not shown when what is kept of the view was damaged', async () => {
      const call = makeCall();
      const id = putRedacted(call);
      writeFileSync(jobLayout(call.house.settings.stateDir, id).patchView, '{');
      assert.equal((await refusal(call, { job_id: id })).code, 'result_unreadable');
    });
  });
});
