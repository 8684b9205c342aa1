import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ReadingKind } from '../../src/agents/answer.js';
import { jobLayout, stateLayout } from '../../src/job/layout.js';
import type { RunTask } from '../../src/pool/messages.js';
import type { StageChannel } from '../../src/stages/channel.js';
import { keepAnswer } from '../../src/stages/keep-answer.js';
import { make, makeRepository, makeUser, makeWorkspace, planFor, put } from '../support/git.js';
import { runReport, submission, testSettings } from '../support/house.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const settings = testSettings(workspace, { environment: user });
const channel: StageChannel = {
  stop: new AbortController().signal,
  report: () => undefined,
  close: () => undefined,
};

/** A job whose agent has ended in its checkout. */
async function endedRun(kind: ReadingKind): Promise<RunTask> {
  const root = await makeRepository(workspace, user, { 'a.txt': 'one\n', 'b.txt': 'b\n' });
  const { repositories } = stateLayout(workspace);
  const plan = planFor(workspace, root, user, { repositoriesDirectory: repositories });
  const made = await make(plan);
  return {
    jobId: plan.slot,
    submission: submission({ kind, repository: join(root, '.git'), workspaceRoot: root }),
    stopping: false,
    attempt: 1,
    threadId: null,
    task: '',
    worktree: made.path,
    baselineCommit: made.baselineCommit,
    deadlineAt: 0,
  };
}

async function keep(task: RunTask, kind: ReadingKind, answer: object) {
  const output = await keepAnswer(
    kind,
    JSON.stringify(answer),
    { ok: true, run: runReport },
    task,
    settings,
    channel,
  );
  assert.ok(output.ok);
  return { run: output.run, kept: JSON.parse(readFileSync(jobLayout(workspace, task.jobId).answer, 'utf8')) };
}

const finding = { severity: 'low', title: 't', detail: 'd', line: 1 };

test('an agent that was only to read and changed files is told of by their names', async () => {
  const task = await endedRun('consult');
  const consult = { summary: 's', findings: [] };
  assert.deepEqual((await keep(task, 'consult', consult)).run.warnings, []);
  put(task.worktree, 'a.txt', 'two\n');
  put(task.worktree, 'new.txt', 'new\n');
  const { run } = await keep(task, 'consult', consult);
  assert.equal(run.warnings.length, 1);
  assert.match(run.warnings[0] ?? '', /changed files all the same.*a\.txt.*new\.txt/);
});

test('a pass over a part is partial and of low confidence, and findings point where they point', async () => {
  const task = await endedRun('review');
  const layout = jobLayout(workspace, task.jobId);
  mkdirSync(layout.directory, { recursive: true });
  const reviewed = [{ path: 'a.txt', lines: [[1, 1]] }];
  const cover = (filesChanged: number) =>
    writeFileSync(layout.coverage, JSON.stringify({ filesChanged, reviewed, omitted: [] }));
  const files = ['a.txt', `${task.worktree}/a.txt`, 'b.txt', '../a.txt', 'gone', null];
  const findings = [...files.map((file) => ({ ...finding, file })), { ...finding, file: 'a.txt', line: 2 }];
  const pass = { summary: 's', verdict: 'pass', confidence: 'high', findings };
  cover(2);
  const { kept } = await keep(task, 'review', pass);
  assert.deepEqual([kept.verdict, kept.confidence], ['partial', 'low']);
  assert.deepEqual(
    kept.findings.map(({ place }: { place: string }) => place),
    ['under_review', 'under_review', 'elsewhere', 'no_such_file', 'no_such_file', null, 'elsewhere'],
  );
  const failed = await keep(task, 'review', { ...pass, verdict: 'fail' });
  assert.deepEqual([failed.kept.verdict, failed.kept.confidence], ['fail', 'high']);
  cover(1);
  assert.equal((await keep(task, 'review', pass)).kept.verdict, 'pass');
});
