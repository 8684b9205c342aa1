import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { temporaryDirectory } from '../support/directory.js';
import { makeGitGate } from '../support/git-gate.js';
import { type Answer, makeOffshoot, type Offshoot } from '../support/offshoot.js';

/** Runs the commands that the task names after its colon, one after the other, then says that it did. */
const obey = () =>
  startScriptedModel(({ task, step }) => {
    const [name, ...commands] = task.split(':');
    const next = commands[step];
    return next === undefined ? say(`Did ${name}.`) : run(next);
  });

/** Output tokens of each answer of the scripted model. */
const ONE_ANSWER = 20;

async function withOffshoot(
  environment: Record<string, string>,
  work: (offshoot: Offshoot, model: ScriptedModel) => Promise<void>,
): Promise<void> {
  const model = await obey();
  const offshoot = await makeOffshoot({ model, environment });
  try {
    await offshoot.start();
    await work(offshoot, model);
  } finally {
    await offshoot.remove();
    await model.close();
  }
}

const pathsOf = (result: Answer): string[] => result.files.map(({ path }: { path: string }) => path);

/** The files of a commit with a patch applied. */
async function patched(offshoot: Offshoot, commit: string, patch: Buffer, names: readonly string[]) {
  const directory = await mkdtemp(join(offshoot.root, 'applied-'));
  await offshoot.git('worktree', 'add', '--quiet', '--detach', directory, commit);
  execFileSync('git', ['-C', directory, 'apply', '--index', '--binary'], { input: patch });
  return Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
}

describe('a follow-up', { concurrency: 2 }, () => {
  for (const backend of ['codex-exec', 'codex-app-server']) {
    it(`goes on in the thread and on top of the patch, and its patch holds both from the first baseline: ${backend}`, async () => {
      await withOffshoot({ OFFSHOOT_BACKEND: backend }, async (offshoot, model) => {
        const base = (await offshoot.git('rev-parse', 'HEAD')).trim();
        const first = await offshoot.delegate('first: echo 1 > one.txt; echo four >> a.txt');
        const before = await offshoot.result(first);
        assert.equal(before.status, 'done', JSON.stringify(before.error));
        assert.equal(before.continues, null);
        // The caller goes on meanwhile.
        await writeFile(join(offshoot.repository, 'a.txt'), 'something else\n');
        await offshoot.git('commit', '--quiet', '--all', '--message', 'second');

        const second = await offshoot.delegate('second: cat one.txt a.txt > two.txt', { continues: first });
        assert.equal((await offshoot.call('codex_job_status', { job_id: second })).continues, first);
        const { jobs } = await offshoot.call('codex_job_list', { limit: 1 });
        assert.deepEqual([jobs[0].job_id, jobs[0].continues], [second, first]);
        const result = await offshoot.result(second);
        assert.equal(result.status, 'done', JSON.stringify(result.error));
        assert.equal(result.summary, 'Did second.');
        assert.equal(result.continues, first);
        assert.equal(result.thread_id, before.thread_id);
        assert.equal(result.baseline_commit, base);
        assert.deepEqual(pathsOf(result), ['a.txt', 'one.txt', 'two.txt']);
        const asked = model.requests('second: cat one.txt a.txt > two.txt')[0];
        assert.match(JSON.stringify(asked?.body.input), /first: echo 1/);
        assert.deepEqual(await patched(offshoot, base, result.patch, ['a.txt', 'two.txt']), [
          'one\ntwo\nthree\nfour\n',
          '1\none\ntwo\nthree\nfour\n',
        ]);
        // Each asked the model twice, and pays for that alone.
        assert.deepEqual(result.usage, before.usage);

        const third = await offshoot.result(
          await offshoot.delegate('third: rm two.txt', { continues: second }),
        );
        assert.equal(third.status, 'done', JSON.stringify(third.error));
        assert.deepEqual(pathsOf(third), ['a.txt', 'one.txt']);
        assert.deepEqual(third.usage, before.usage);
        // The job that was continued is as it was, and can be continued once more.
        assert.deepEqual((await offshoot.result(first)).patch, before.patch);
        const fork = await offshoot.result(
          await offshoot.delegate('fork: ls > ls.txt', { continues: first }),
        );
        assert.deepEqual(pathsOf(fork), ['a.txt', 'ls.txt', 'one.txt']);
        assert.deepEqual(fork.usage, before.usage);
        assert.doesNotMatch(
          JSON.stringify(model.requests('fork: ls > ls.txt')[0]?.body.input),
          /second: cat/,
        );
        assert.equal(await readFile(join(offshoot.repository, 'a.txt'), 'utf8'), 'something else\n');
      });
    });
  }

  it('goes on in a shared app-server where the first job had a process of its own, and back', async () => {
    await withOffshoot({}, async (offshoot, model) => {
      let job = await offshoot.delegate('begin: echo 0 > 0.txt');
      const { thread_id: thread, usage } = await offshoot.result(job);
      for (const [index, backend] of ['codex-app-server', 'codex-exec'].entries()) {
        await offshoot.kill();
        offshoot.environment.OFFSHOOT_BACKEND = backend;
        await offshoot.start();
        job = await offshoot.delegate(`${backend}: echo 1 > ${backend}.txt`, { continues: job });
        const result = await offshoot.result(job);
        assert.equal(result.status, 'done', JSON.stringify(result.error));
        assert.equal(result.thread_id, thread);
        assert.equal(result.files.length, 2 + index);
        assert.deepEqual(result.usage, usage);
      }
      assert.match(JSON.stringify(model.requests().at(-1)?.body.input), /begin: echo 0/);
    });
  });

  it('begins at the uncommitted changes that the first job began with, whatever became of them', async () => {
    await withOffshoot({}, async (offshoot) => {
      await writeFile(join(offshoot.repository, 'a.txt'), 'not committed\n');
      const first = await offshoot.delegate('first: echo 1 > one.txt');
      await offshoot.result(first);
      await offshoot.git('checkout', '--quiet', '--', 'a.txt');
      await offshoot.git('gc', '--quiet', '--prune=now');
      const result = await offshoot.result(
        await offshoot.delegate('second: cp a.txt b.txt', { continues: first }),
      );
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.deepEqual(pathsOf(result), ['b.txt', 'one.txt']);
      assert.match(result.patch.toString(), /\+not committed\n/);
    });
  });

  it('is not lost when the first job is consumed, or the daemon killed, before it starts', async () => {
    await withOffshoot({ OFFSHOOT_MAX_RUNNING: '1' }, async (offshoot, model) => {
      await writeFile(join(offshoot.repository, 'a.txt'), 'not committed\n');
      const first = await offshoot.delegate('first: echo 1 > one.txt');
      await offshoot.result(first);
      const other = await offshoot.delegate('other: sleep 600');
      await model.requested(1, 'other: sleep 600');
      const keyed = {
        task: 'second: echo 2 > two.txt',
        workspace_root: offshoot.repository,
        continues: first,
        idempotency_key: 'second',
      };
      const second = await offshoot.delegate(keyed.task, keyed);
      const taken = await offshoot.call('codex_job_consume_result', { job_id: first });
      assert.equal(taken.consumed, true);
      await offshoot.kill();
      await offshoot.start();
      assert.equal((await offshoot.refusal('codex_job_status', { job_id: first })).code, 'job_not_found');
      assert.equal(
        (
          await offshoot.refusal('codex_delegate_async', {
            task: 'x',
            workspace_root: offshoot.repository,
            continues: first,
          })
        ).code,
        'job_not_found',
      );
      assert.equal(await offshoot.delegate(keyed.task, keyed), second);
      const refused = async (input: object) =>
        (await offshoot.refusal('codex_delegate_async', { ...keyed, ...input })).code;
      assert.equal(await refused({ task: 'else' }), 'idempotency_conflict');
      assert.equal(await refused({ continues: other }), 'idempotency_conflict');
      assert.equal(await refused({ continues: 'f'.repeat(32) }), 'idempotency_conflict');
      await offshoot.call('codex_job_cancel', { job_id: other });
      const result = await offshoot.result(second);
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.deepEqual(pathsOf(result), ['one.txt', 'two.txt']);
      await assert.rejects(readFile(join(offshoot.stateDir, 'jobs', first, 'patch')), { code: 'ENOENT' });
      await offshoot.call('codex_job_consume_result', { job_id: second });
      assert.equal(await refused({}), 'idempotency_result_unavailable');
    });
  });

  it('is answered to a repeated call of its key when new jobs have another backend by now', async () => {
    await withOffshoot({}, async (offshoot) => {
      const first = await offshoot.delegate('first: echo 1 > one.txt');
      await offshoot.result(first);
      const keyed = { continues: first, idempotency_key: 'second' };
      const second = await offshoot.delegate('second: echo 2 > two.txt', keyed);
      await offshoot.result(second);
      await offshoot.kill();
      Object.assign(offshoot.environment, { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: 'true' });
      await offshoot.start();
      assert.equal(await offshoot.delegate('second: echo 2 > two.txt', keyed), second);
      const refused = async (input: object) => {
        const all = { task: 'third', workspace_root: offshoot.repository, ...input };
        return (await offshoot.refusal('codex_delegate_async', all)).code;
      };
      assert.equal(await refused(keyed), 'idempotency_conflict');
      assert.equal(await refused({ ...keyed, idempotency_key: 'third' }), 'cannot_continue');
      assert.equal(await refused({ continues: first }), 'cannot_continue');
    });
  });

  it('of a cancelled job goes on with what was done until then, through a kill -9 of the daemon', async () => {
    await withOffshoot({}, async (offshoot, model) => {
      const first = await offshoot.delegate('first: echo 1 > one.txt: sleep 600');
      // The second answer is asked for when the first command has ended.
      await model.requested(2);
      const early = await offshoot.refusal('codex_delegate_async', {
        task: 'x',
        workspace_root: offshoot.repository,
        continues: first,
      });
      assert.equal(early.code, 'job_running');
      await offshoot.call('codex_job_cancel', { job_id: first });
      const cancelled = await offshoot.result(first);
      assert.equal(cancelled.status, 'cancelled');
      // Its agent told of no usage; the account in its thread did.
      assert.equal(cancelled.usage.output_tokens, ONE_ANSWER);
      const second = await offshoot.delegate('second: cat one.txt > two.txt', { continues: first });
      await offshoot.kill();
      await offshoot.start();
      const result = await offshoot.result(second);
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.deepEqual(pathsOf(result), ['one.txt', 'two.txt']);
      assert.equal(result.usage.output_tokens, 2 * ONE_ANSWER);
      assert.deepEqual(await offshoot.slots(), []);
    });
  });

  it('takes over once more when the daemon is killed in the middle of it; a command finds the files alone', async () => {
    const temporary = await temporaryDirectory();
    const gate = await makeGitGate(temporary.path, 'apply');
    const offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: 'exec sh',
        PATH: `${gate.directory}:/usr/local/bin:/usr/bin:/bin`,
      },
    });
    try {
      await offshoot.start();
      await writeFile(join(offshoot.repository, 'a.txt'), 'not committed\n');
      const first = await offshoot.delegate('echo 1 > one.txt');
      assert.equal((await offshoot.result(first)).status, 'done');
      const second = await offshoot.delegate('cat one.txt a.txt > two.txt', { continues: first });
      await gate.reached();
      await offshoot.call('codex_job_consume_result', { job_id: first });
      await offshoot.kill();
      await offshoot.git('checkout', '--quiet', '--', 'a.txt');
      await gate.open();
      await offshoot.start();
      const result = await offshoot.result(second);
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.equal(result.thread_id, null);
      assert.deepEqual(pathsOf(result), ['one.txt', 'two.txt']);
      assert.match(result.patch.toString(), /\+1\n\+not committed\n/);
      assert.deepEqual(await offshoot.slots(), []);
    } finally {
      await offshoot.remove();
      await temporary.remove();
    }
  });

  it('is refused where it cannot be, before anything is spent', async () => {
    await withOffshoot({}, async (offshoot, model) => {
      const first = await offshoot.delegate('first: true');
      await offshoot.result(first);
      const refused = async (input: object) => {
        const fault = await offshoot.refusal('codex_delegate_async', { task: 'x', ...input });
        return [fault.code, fault.details?.fields?.[0]?.field];
      };
      assert.deepEqual(await refused({ continues: 'f'.repeat(32) }), ['job_not_found', undefined]);
      assert.deepEqual(await refused({ continues: first, base_ref: 'HEAD' }), [
        'invalid_arguments',
        'base_ref',
      ]);
      assert.deepEqual(await refused({ continues: first, include_untracked: true }), [
        'invalid_arguments',
        'include_untracked',
      ]);
      const elsewhere = join(offshoot.root, 'elsewhere');
      execFileSync('git', ['clone', '--quiet', offshoot.repository, elsewhere]);
      assert.deepEqual(await refused({ continues: first, workspace_root: elsewhere }), [
        'cannot_continue',
        undefined,
      ]);
      await rm(join(offshoot.repository, '.git'), { recursive: true });
      assert.equal((await refused({ continues: first }))[0], 'not_a_git_repo');
      assert.deepEqual(model.requests('x'), []);
    });
  });
});
