import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { cut, fail, hang, type Reply, refuseHttp, run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { leavesNothing, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const execute = promisify(execFile);

/** What the model does for each task, step by step; the last reply is repeated. */
const scripts: Record<string, Reply[]> = {
  'edit files': [
    run(
      "printf 'one\\n2\\nthree\\n' > a.txt && mv b.txt renamed.txt && rm gone.txt",
      "mkdir new && printf 'caf\\351\\r\\n' > new/latin1.txt && printf '\\000\\001' > new/binary && chmod +x tool.sh",
    ),
    say('Edited.'),
  ],
  'say 401': [
    run('echo "401 Unauthorized: quota exceeded, rate limit, please run codex login"'),
    say('Printed.'),
  ],
  unauthorized: [refuseHttp(401, '{"error":{"message":"bad key"}}')],
  limited: [refuseHttp(429, '{"error":{"message":"slow down"}}')],
  'limited with a hint': [refuseHttp(429, '{"error":{"message":"slow down"}}', { 'retry-after': '1' })],
  broken: [refuseHttp(500, '{"error":{"message":"oops"}}')],
  'cut off': [cut()],
  'too long': [fail('context_length_exceeded', 'too long')],
  'hang up': [run('echo started > started.txt'), hang('request')],
};

describe('a job of the real Codex CLI', { concurrency: 3 }, () => {
  let model: ScriptedModel;
  let offshoot: Offshoot;

  before(async () => {
    model = await startScriptedModel(({ task, step }) => {
      const replies = scripts[task] ?? [];
      return replies[Math.min(step, replies.length - 1)] ?? say('Nothing to do.');
    });
    offshoot = await makeOffshoot({
      model,
      retries: 0,
      environment: { OFFSHOOT_SILENCE_SECONDS: '3', OFFSHOOT_MAX_ATTEMPTS: '1' },
    });
    for (const [name, content] of [
      ['b.txt', 'moves\nas\nit\nis\n'],
      ['gone.txt', 'goes\n'],
      ['tool.sh', '#!/bin/sh\n'],
    ] as const) {
      await writeFile(join(offshoot.repository, name), content);
    }
    await offshoot.git('add', '.');
    await offshoot.git('commit', '--quiet', '--message', 'second');
    await writeFile(join(offshoot.repository, 'tool.sh'), '#!/bin/sh\necho not committed\n');
    await offshoot.start();
  });
  after(async () => {
    await offshoot.remove();
    await model.close();
  });

  it('edits, adds, deletes and renames: the patch applies to the baseline, and the caller has what was there', async () => {
    const before = await offshoot.git('status', '--porcelain=v2', '--branch');
    const id = await offshoot.delegate('edit files');
    const result = await offshoot.result(id);
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    assert.equal(result.summary, 'Edited.');
    assert.ok(result.thread_id);
    assert.ok(result.usage.input_tokens > 0);
    assert.deepEqual(Object.keys(result.timings), ['queued', 'worktree', 'running', 'diffing']);
    assert.deepEqual(
      result.files.map(({ path, status }: { path: string; status: string }) => [path, status]).sort(),
      [
        ['a.txt', 'modified'],
        ['gone.txt', 'deleted'],
        ['new/binary', 'added'],
        ['new/latin1.txt', 'added'],
        ['renamed.txt', 'renamed'],
        ['tool.sh', 'modified'],
      ],
    );
    assert.equal(await offshoot.git('status', '--porcelain=v2', '--branch'), before);

    const patchFile = join(offshoot.root, 'edit.patch');
    await writeFile(patchFile, result.patch);
    const clone = join(offshoot.root, 'clone');
    await execute('cp', ['-a', offshoot.repository, clone]);
    await execute('git', ['-C', clone, 'apply', '--whitespace=nowarn', patchFile]);
    assert.deepEqual(await readFile(join(clone, 'new/latin1.txt')), Buffer.from('caf\xe9\r\n', 'latin1'));
    assert.deepEqual(await readFile(join(clone, 'new/binary')), Buffer.from([0, 1]));
    assert.equal(await readFile(join(clone, 'tool.sh'), 'utf8'), '#!/bin/sh\necho not committed\n');
    assert.equal(await readFile(join(clone, 'renamed.txt'), 'utf8'), 'moves\nas\nit\nis\n');
  });

  it('is not misread when the task itself prints errors', async () => {
    const result = await offshoot.result(await offshoot.delegate('say 401'));
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    assert.equal(result.summary, 'Printed.');
  });

  for (const [task, code] of [
    ['unauthorized', 'codex_auth_required'],
    ['limited', 'codex_rate_limited'],
    ['limited with a hint', 'codex_rate_limited'],
    ['broken', 'model_unavailable'],
    ['cut off', 'model_unavailable'],
    ['too long', 'context_too_large'],
  ] as const) {
    it(`fails with ${code} when the model answers "${task}"`, async () => {
      const result = await offshoot.result(await offshoot.delegate(task));
      assert.equal(result.status, 'failed');
      assert.equal(result.error.code, code, result.error.message);
      assert.equal(result.patch_bytes, 0);
      assert.ok(
        result.events.some(({ reason }: { reason: string | null }) => reason === result.error.message),
      );
    });
  }

  it('is stopped when the model falls silent, and keeps what it did before', async () => {
    const result = await offshoot.result(await offshoot.delegate('hang up'));
    assert.equal(result.status, 'failed');
    assert.equal(result.error.code, 'agent_silent');
    assert.match(result.patch.toString(), /started\.txt/);
  });

  it('leaves neither processes nor worktrees behind', async () => {
    const id = await offshoot.delegate('edit files', { label: 'last' });
    await offshoot.result(id);
    const { jobs } = await offshoot.call('codex_job_list', { limit: 100 });
    await offshoot.call('codex_job_wait', {
      job_ids: jobs.map(({ job_id }: { job_id: string }) => job_id),
      mode: 'all',
      timeout_seconds: 50,
    });
    await leavesNothing(offshoot);
  });
});
