import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { AgentReader } from '../../src/agents/agent.js';
import { backendOf } from '../../src/agents/backends.js';
import { command as commandBackend } from '../../src/agents/command.js';
import { makeTestUser, runJob, type TestUser } from '../support/agents.js';

const backend = commandBackend();
let user: TestUser;

before(async () => {
  user = await makeTestUser({ GIT_DIR: '/nowhere', OFFSHOOT_STATE_DIR: '/state', KEPT: 'yes' });
});
after(() => user.remove());

async function work(command: string, task = 'the task') {
  return runJob(backend, await user.job('job1'), { ...user.settings, command }, task);
}

function read(...lines: string[]): AgentReader {
  const reader = backend.reader();
  lines.forEach((line, place) => {
    reader.line(line, place);
  });
  return reader;
}

describe('the command backend', () => {
  test('is made once', () => {
    assert.equal(backendOf('command'), backendOf('command'));
  });

  test('runs the command in the worktree with the task on standard input', async () => {
    const { conclusion } = await work('cat > task.txt; pwd; echo done');
    assert.equal(conclusion.failure, null);
    assert.equal(conclusion.summary, `${user.worktree}\ndone`);
    assert.equal(await readFile(join(user.worktree, 'task.txt'), 'utf8'), 'the task');
  });

  test('passes the environment of the user without git’s and our own variables', async () => {
    const { conclusion } = await work(
      'env | grep -E "^(GIT|OFFSHOOT|KEPT|TMPDIR)" | sort; test -d "$TMPDIR"',
    );
    const temporary = join(user.settings.stateDir, 'jobs', 'job1', 'tmp');
    assert.equal(
      conclusion.summary,
      `GIT_CEILING_DIRECTORIES=${dirname(user.worktree)}\nKEPT=yes\nOFFSHOOT_JOB_ID=job1\nTMPDIR=${temporary}`,
    );
    assert.equal(conclusion.failure, null);
  });

  test('tells the last word on standard error when the command fails', async () => {
    const { conclusion } = await work('echo first >&2; echo "the \u001b[1mcause" >&2; echo >&2; exit 3');
    assert.deepEqual(conclusion.failure, {
      code: 'agent_exited',
      message: 'The command ended with status 3: the cause',
    });
  });

  test('tells the signal that ended the command', async () => {
    const { conclusion } = await work('kill -TERM $$');
    assert.deepEqual(conclusion.failure, {
      code: 'agent_killed',
      message: 'The command was ended by SIGTERM.',
    });
  });

  test('counts every line, shows the last one, and may always be silent', () => {
    const reader = read('one', '\u001b[32mtwo\u001b[0m', '');
    assert.deepEqual(reader.progress(), { events: 3, lastEventAt: 2, activity: 'two', usage: null });
    assert.equal(reader.mayBeSilent(), true);
  });

  test('keeps the last 4,096 characters at most', () => {
    const lines = Array.from({ length: 10_000 }, (_, number) => `line ${number} ${'é'.repeat(100)}`);
    const { summary } = read(...lines, 'last').conclude({ status: 0, stderr: '' });
    assert.ok((summary ?? '').length <= 4_096);
    assert.ok((summary ?? '').endsWith('\nlast'));
    const long = read('x'.repeat(5_000_000)).conclude({ status: 0, stderr: '' });
    assert.equal(long.summary?.length, 4_096);
  });

  test('refuses preflight and launch without a command', async () => {
    const ready = await backend.preflight(user.settings, new AbortController().signal);
    const launch = await backend.launch(await user.job('job2'), user.settings);
    assert.deepEqual(
      [ready.ok ? null : ready.fault.code, launch.ok ? null : launch.fault.code],
      ['command_not_set', 'command_not_set'],
    );
  });
});
