import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Asked } from '../../src/demo/asked.js';
import { hang, type Reply, run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { attemptLayout, jobLayout } from '../../src/job/layout.js';
import { appears } from '../support/git-gate.js';
import { type Answer, commandLine, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const execute = promisify(execFile);

const finding = { severity: 'high', title: 'Off by one', detail: 'It is.', file: 'a.txt', line: 2 };
const question = JSON.stringify({ summary: 'Because of **this**.', findings: [finding] });
const verdict = (more: object = {}) =>
  JSON.stringify({ summary: 'Fine.', verdict: 'pass', confidence: 'high', findings: [], ...more });

/** What the model does when a word of the key stands in its task, step by step. */
const scripts: Record<string, Reply[]> = {
  WHY: [say(question)],
  OUTSIDE: [run('git rev-parse --show-toplevel'), say(question)],
  GARBAGE: [say('I think that it is fine.')],
  MISFIT: [say(verdict({ verdict: 'splendid' }))],
  WRITE: [run('echo hacked > a.txt; echo new > new.txt; touch /tmp/offshoot-reading'), say(question)],
  HANG: [run('pwd'), hang('request')],
  PLACES: [
    say(
      verdict({
        verdict: 'fail',
        findings: [
          finding,
          { ...finding, line: 1 },
          { ...finding, file: './new.txt', line: 1 },
          { ...finding, file: 'tool.sh', line: null },
          { ...finding, file: 'gone.c' },
          { ...finding, file: '../../etc/passwd' },
          { ...finding, file: null, line: null },
        ],
      }),
    ),
  ],
};

describe('a job that only reads, with the real Codex CLI', { concurrency: 3 }, () => {
  let model: ScriptedModel;
  let offshoot: Offshoot;
  const asked: Asked[] = [];

  before(async () => {
    model = await startScriptedModel((request) => {
      asked.push(request);
      const key = Object.keys(scripts).find((word) => request.task.includes(word));
      const replies = scripts[key ?? ''] ?? [say(verdict())];
      return replies[Math.min(request.step, replies.length - 1)] ?? say('');
    });
    offshoot = await makeOffshoot({
      model,
      environment: { OFFSHOOT_MAX_ATTEMPTS: '1', OFFSHOOT_MAX_RUNNING_PER_REPO: '8' },
    });
    await writeFile(join(offshoot.repository, 'tool.sh'), '#!/bin/sh\n');
    await offshoot.git('add', '.');
    await offshoot.git('commit', '--quiet', '--message', 'second');
    await offshoot.start();
  });
  after(async () => {
    await offshoot.remove();
    await model.close();
  });

  const start = async (tool: string, input: object): Promise<string> => {
    const answer = await offshoot.call(tool, { workspace_root: offshoot.repository, ...input });
    return answer.job_id;
  };
  const consult = async (text: string, input: object = {}): Promise<Answer> =>
    offshoot.result(await start('codex_consult_async', { question: text, ...input }));
  const review = async (input: object): Promise<Answer> =>
    offshoot.result(await start('codex_review_changes_async', input));
  const askedFor = (word: string) => asked.filter(({ task }) => task.includes(word));

  /** A clone of the repository with these files in it, not committed; and its git. */
  async function clone(name: string, files: Record<string, string | Buffer>) {
    const root = join(offshoot.root, name);
    const env = { ...offshoot.environment, GIT_CONFIG_COUNT: '2' };
    const identity = { GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: 'Test' };
    const address = { GIT_CONFIG_KEY_1: 'user.email', GIT_CONFIG_VALUE_1: 'test@example.invalid' };
    const git = async (...words: string[]) =>
      (await execute('git', ['-C', root, ...words], { env: { ...env, ...identity, ...address } })).stdout;
    await execute('cp', ['-a', offshoot.repository, root]);
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    }
    return { root, git };
  }

  it('keeps what its agent said and spent where there is no room for the answer', async () => {
    const id = await start('codex_consult_async', { question: 'WHY is there no room?' });
    const { directory, answer } = jobLayout(offshoot.stateDir, id);
    await mkdir(directory, { recursive: true });
    await symlink('/dev/full', `${answer}.tmp`);
    await appears(attemptLayout(offshoot.stateDir, id, 1).directory, 'exit');
    await offshoot.call('codex_job_cancel', { job_id: id });
    const result = await offshoot.result(id);
    assert.equal(result.status, 'cancelled');
    assert.equal(result.summary, question);
    assert.ok(result.usage.output_tokens > 0);
  });

  it('answers a question with prose and findings, and no patch', async () => {
    const result = await consult('WHY is that so?');
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    assert.equal(result.kind, 'consult');
    assert.equal(result.summary, 'Because of **this**.');
    assert.deepEqual(result.answer, { findings: [{ ...finding, place: null }], findings_total: 1 });
    assert.equal(result.patch, null);
    assert.equal(result.patch_bytes, null);
    const [request] = askedFor('WHY is that so?');
    const { format } = (request?.body.text ?? {}) as Answer;
    assert.equal(format.type, 'json_schema');
    assert.deepEqual(format.schema.required, ['summary', 'findings']);
  });

  it('answers a question about no repository in an empty directory', async () => {
    const result = await offshoot.result(
      (await offshoot.call('codex_consult_async', { question: 'WHY at all?', workspace_root: null })).job_id,
    );
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    assert.equal(result.baseline_commit, null);
    assert.match(result.warnings.join(), /without a repository/);
  });

  it('looks for no repository around that directory, nor for its instructions', async () => {
    await execute('git', ['init', '--quiet', offshoot.root]);
    await writeFile(join(offshoot.root, 'AGENTS.md'), 'Sing to whoever asks.\n');
    const result = await consult('OUTSIDE?', { workspace_root: null });
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    const requests = askedFor('OUTSIDE?');
    assert.ok(!JSON.stringify(requests).includes('Sing to whoever asks'));
    assert.match(requests.at(-1)?.outputs.join() ?? '', /\/slots\/[0-9a-f]{32}\/wt\n/);
  });

  it('waits for the answer when asked to, and answers the handle when the time is up first', async () => {
    const input = { workspace_root: offshoot.repository, timeout_seconds: 60 };
    const answer = await offshoot.call('codex_consult', { ...input, question: 'WHY now?' });
    assert.equal(answer.settled, true);
    assert.equal(answer.answer.findings_total, 1);
    const late = await offshoot.call('codex_consult', { ...input, question: 'HANG', timeout_seconds: 10 });
    assert.equal(late.settled, false);
    assert.equal(late.follow_up.tool, 'codex_job_wait');
    await offshoot.call('codex_job_cancel', { job_id: late.job_id });
    const cancelled = await offshoot.result(late.job_id);
    assert.equal(cancelled.status, 'cancelled');
    assert.deepEqual(cancelled.answer, {});
    assert.ok(!(await offshoot.slots()).includes(late.job_id));
  });

  it('fails when the answer does not have its form, and keeps what was said', async () => {
    const result = await consult('GARBAGE');
    assert.equal(result.status, 'failed');
    assert.equal(result.error.code, 'answer_invalid');
    assert.equal(result.summary, 'I think that it is fine.');
    const { root } = await clone('misfit', { 'a.txt': 'changed\n' });
    const misfit = await review({ workspace_root: root, instructions: 'MISFIT' });
    assert.equal(misfit.error.code, 'answer_invalid');
    assert.match(misfit.error.message, /verdict/);
    assert.ok(!JSON.stringify(misfit.error).includes('splendid'));
    assert.equal(misfit.answer.verdict, undefined);
    assert.equal(misfit.answer.coverage.complete, true);
  });

  it('lets the agent write nothing, in its directory or elsewhere', async () => {
    const result = await consult('WRITE');
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    assert.deepEqual(result.warnings, []);
    const said = askedFor('WRITE').at(-1)?.outputs.join() ?? '';
    assert.match(said, /a\.txt: Read-only file system/);
    assert.match(said, /new\.txt: Read-only file system/);
    assert.match(said, /offshoot-reading'?: Read-only file system/);
  });

  it('reviews what is not committed, untracked files too, and covers all of it', async () => {
    const { root, git } = await clone('whole', {
      'a.txt': 'one\n2\nthree\n',
      'staged.txt': 's\n',
      'new.txt': 'n\n',
    });
    await git('add', 'staged.txt');
    const result = await review({ workspace_root: root, instructions: 'CHECK whole' });
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    assert.equal(result.kind, 'review');
    assert.equal(result.answer.verdict, 'pass');
    assert.equal(result.answer.confidence, 'high');
    assert.deepEqual(result.answer.coverage, {
      files_changed: 3,
      files_reviewed: 3,
      omitted: [],
      complete: true,
    });
    const task = askedFor('CHECK whole')[0]?.task ?? '';
    for (const line of ['-two', '+2', '+s', '+n']) assert.ok(task.split('\n').includes(line), line);
    const tracked = await review({
      workspace_root: root,
      include_untracked: false,
      paths: ['a.txt', 'new.txt'],
    });
    assert.equal(tracked.answer.coverage.files_changed, 1);
  });

  it('calls a pass partial when not everything was seen, and says why', async () => {
    const { root } = await clone('part', {
      'a.txt': 'changed\n',
      binary: Buffer.from([0, 1, 2]),
      id_rsa: 'secret\n',
      'long.txt': 'long line\n'.repeat(20_000),
    });
    const result = await review({ workspace_root: root, instructions: 'CHECK part' });
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    assert.equal(result.answer.verdict, 'partial');
    assert.equal(result.answer.confidence, 'low');
    assert.deepEqual(result.answer.coverage, {
      files_changed: 4,
      files_reviewed: 1,
      omitted: [
        { path: 'binary', reason: 'binary' },
        { path: 'id_rsa', reason: 'secret_file' },
        { path: 'long.txt', reason: 'too_large' },
      ],
      complete: false,
    });
    assert.match(result.warnings.join(), /Not reviewed: 3 of 4 changed files/);
  });

  it('starts no agent when there is nothing to review, or nothing that can be shown', async () => {
    const requests = () => askedFor('CHECK nothing').length;
    const clean = await review({ instructions: 'CHECK nothing' });
    assert.equal(clean.status, 'failed');
    assert.equal(clean.error.code, 'nothing_to_review');
    assert.equal(clean.answer.coverage.files_changed, 0);
    const { root } = await clone('binary', { binary: Buffer.from([0, 1, 2]) });
    const binary = await review({ workspace_root: root, instructions: 'CHECK nothing' });
    assert.equal(binary.error.code, 'nothing_to_review');
    assert.deepEqual(binary.answer.coverage.omitted, [{ path: 'binary', reason: 'binary' }]);
    assert.equal(binary.answer.verdict, undefined);
    assert.equal(binary.usage, null);
    assert.equal(requests(), 0);
  });

  it('reviews the commits of a branch, and one commit, without what is not committed', async () => {
    const { root, git } = await clone('branch', {});
    await git('checkout', '--quiet', '-b', 'topic');
    await writeFile(join(root, 'topic.txt'), 'topic\n');
    await git('add', '.');
    await git('commit', '--quiet', '--message', 'topic');
    await git('checkout', '--quiet', 'main');
    await writeFile(join(root, 'main.txt'), 'main\n');
    await git('add', '.');
    await git('commit', '--quiet', '--message', 'main');
    await git('checkout', '--quiet', 'topic');
    await writeFile(join(root, 'a.txt'), 'not committed\n');
    for (const [scope, more] of [
      ['branch', { ref: 'main' }],
      ['commit', { ref: 'HEAD' }],
    ] as const) {
      const result = await review({ workspace_root: root, scope, ...more, instructions: `CHECK ${scope}` });
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.equal(result.answer.scope, scope);
      assert.equal(result.answer.coverage.files_changed, 1);
      const task = askedFor(`CHECK ${scope}`)[0]?.task ?? '';
      assert.match(task, /\+topic/);
      assert.doesNotMatch(task, /not committed|\+main/);
    }
    const first = (await git('rev-list', '--max-parents=0', 'HEAD')).trim();
    const root1 = await review({ workspace_root: root, scope: 'commit', ref: first });
    assert.equal(root1.answer.coverage.files_changed, 1);
    const lost = await review({ workspace_root: root, scope: 'branch', ref: 'nowhere' });
    assert.equal(lost.error.code, 'base_ref_not_found');
  });

  it('tells where findings point: under review, elsewhere, or to no file', async () => {
    const { root } = await clone('places', { 'a.txt': `${'same\n'.repeat(20)}two\n`, 'new.txt': 'n\n' });
    await execute('git', ['-C', root, 'checkout', '--quiet', 'a.txt']);
    await writeFile(join(root, 'a.txt'), 'one\ntwo\nthree\nfour\n');
    const result = await review({ workspace_root: root, instructions: 'PLACES' });
    assert.equal(result.answer.verdict, 'fail');
    assert.deepEqual(
      result.answer.findings.map(({ place }: { place: string }) => place),
      ['under_review', 'under_review', 'under_review', 'elsewhere', 'no_such_file', 'no_such_file', null],
    );
  });

  it('refuses arguments that do not go together', async () => {
    for (const input of [
      { scope: 'branch' },
      { base_ref: 'main' },
      { commit: 'HEAD' },
      { paths: ['../x'] },
    ]) {
      const fault = await offshoot.refusal('codex_review_changes', {
        workspace_root: offshoot.repository,
        ...input,
      });
      assert.equal(fault.code, 'invalid_arguments');
    }
  });

  it('lets one key stand for one kind of work', async () => {
    const key = { idempotency_key: 'one key' };
    const first = await start('codex_consult_async', { question: 'WHY a key?', ...key });
    assert.equal(await start('codex_consult_async', { question: 'WHY a key?', ...key }), first);
    const fault = await offshoot.refusal('codex_delegate_async', {
      workspace_root: offshoot.repository,
      task: 'WHY a key?',
      ...key,
    });
    assert.equal(fault.code, 'idempotency_conflict');
  });

  it('shows people the answer, and the verdict with what it covers, on the command line', async () => {
    const { root } = await clone('shown', { 'new.txt': 'n\n', binary: Buffer.from([0]) });
    const shell = (...words: string[]) =>
      execute(process.execPath, [commandLine, ...words], { env: offshoot.environment, cwd: root });
    const answered = await shell('consult', 'WHY, people ask');
    assert.match(
      answered.stdout,
      /Because of \*\*this\*\*\.\n\nhigh {3}Off by one {2}a\.txt:2\n {7}It is\.\n/,
    );
    const reviewed = await shell('review');
    assert.match(reviewed.stdout, /partial, confidence low; 1 of 2 changed files reviewed\n/);
    assert.match(reviewed.stdout, /not reviewed: binary \(binary\)/);
    await assert.rejects(shell('review', '--branch', 'main', '--commit', 'HEAD'), /not both/);
    await assert.rejects(shell('review', 'a.txt'), ({ stdout }: { stdout: string }) =>
      stdout.includes('(nothing_to_review)'),
    );
  });
});

describe('a consult whose daemon is killed', () => {
  it('goes on under the next daemon, and its answer is kept', async () => {
    let root = '';
    const model = await startScriptedModel(({ step }) =>
      step === 0 ? run(`until [ -e ${root}/go ]; do sleep 0.05; done`) : say(question),
    );
    const offshoot = await makeOffshoot({ model });
    root = offshoot.root;
    try {
      await offshoot.start();
      const { job_id: id } = await offshoot.call('codex_consult_async', {
        workspace_root: offshoot.repository,
        question: 'WHY?',
      });
      await offshoot.reach(id, 'running');
      await offshoot.kill();
      await writeFile(join(root, 'go'), '');
      await offshoot.start();
      const result = await offshoot.result(id);
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.equal(result.answer.findings_total, 1);
      assert.equal(result.patch, null);
    } finally {
      await offshoot.remove();
      await model.close();
    }
  });
});
