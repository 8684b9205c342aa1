import assert from 'node:assert/strict';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { hang, run, say } from '../../src/demo/reply.js';
import { startScriptedModel } from '../../src/demo/scripted-model.js';
import { temporaryDirectory } from '../support/directory.js';
import { appears, makeGitGate } from '../support/git-gate.js';
import { leavesNothing, makeOffshoot } from '../support/offshoot.js';

const command = { OFFSHOOT_BACKEND: 'command' };

describe('cancelling a job', { concurrency: 3 }, () => {
  it('in the queue ends it before anything is spent', async () => {
    const offshoot = await makeOffshoot({
      environment: {
        ...command,
        OFFSHOOT_COMMAND: 'cat >/dev/null; exec sleep 600',
        OFFSHOOT_MAX_RUNNING: '1',
      },
    });
    try {
      await offshoot.start();
      const first = await offshoot.delegate('first');
      const second = await offshoot.delegate('second');
      await offshoot.reach(first, 'running');
      assert.equal((await offshoot.call('codex_job_cancel', { job_id: second })).status, 'cancelled');
      const result = await offshoot.result(second);
      assert.equal(result.error.code, 'cancelled');
      assert.equal(result.patch, null);
      await offshoot.call('codex_job_cancel', { job_id: first });
      assert.equal((await offshoot.result(first)).status, 'cancelled');
      await leavesNothing(offshoot);
    } finally {
      await offshoot.remove();
    }
  });

  for (const [state, gitCommand] of [
    ['worktree', 'read-tree'],
    ['diffing', 'diff-tree'],
  ] as const) {
    it(`in ${state} ends it as cancelled, with the worktree gone`, async () => {
      const temporary = await temporaryDirectory();
      const gate = await makeGitGate(temporary.path, gitCommand);
      const offshoot = await makeOffshoot({
        environment: {
          ...command,
          OFFSHOOT_COMMAND: 'cat >task.txt',
          PATH: `${gate.directory}:/usr/local/bin:/usr/bin:/bin`,
        },
      });
      try {
        await offshoot.start();
        const id = await offshoot.delegate('write the task');
        await gate.reached();
        const answer = await offshoot.call('codex_job_cancel', { job_id: id });
        assert.equal(answer.status, state);
        assert.equal(answer.stopping, 'cancelled');
        await gate.open();
        const result = await offshoot.result(id);
        assert.equal(result.status, 'cancelled');
        if (state === 'diffing') assert.match(result.patch.toString(), /write the task/);
        await leavesNothing(offshoot);
      } finally {
        await offshoot.remove();
        await temporary.remove();
      }
    });
  }

  it('while Codex runs a command ends every process, and keeps the patch so far', async () => {
    const model = await startScriptedModel(({ step }) =>
      step === 0 ? run('echo half > half.txt; sleep 600') : say('Done.'),
    );
    const offshoot = await makeOffshoot({ model });
    try {
      await offshoot.start();
      const id = await offshoot.delegate('work long');
      await model.requested(1);
      const [repository = ''] = await readdir(join(offshoot.stateDir, 'repositories'));
      await appears(join(offshoot.stateDir, 'repositories', repository, 'slots', id, 'wt'), 'half.txt');
      await offshoot.call('codex_job_cancel', { job_id: id });
      const result = await offshoot.result(id);
      assert.equal(result.status, 'cancelled');
      assert.match(result.patch.toString(), /half\.txt/);
      assert.equal(result.containment, 'namespace');
      await leavesNothing(offshoot);
    } finally {
      await offshoot.remove();
      await model.close();
    }
  });

  it('kills an agent that ignores SIGTERM and left its process group, once its grace is over', async () => {
    const offshoot = await makeOffshoot({
      environment: {
        ...command,
        OFFSHOOT_COMMAND: `cat >/dev/null; trap '' TERM; setsid sleep 600 & : >"$HOME/started"; while :; do sleep 1; done`,
      },
    });
    try {
      await offshoot.start();
      const id = await offshoot.delegate('never end');
      await appears(join(offshoot.root, 'home'), 'started');
      assert.ok((await offshoot.agents()).length > 1);
      await offshoot.call('codex_job_cancel', { job_id: id });
      const result = await offshoot.result(id);
      assert.equal(result.status, 'cancelled');
      await leavesNothing(offshoot);
    } finally {
      await offshoot.remove();
    }
  });
});

describe('a deadline', () => {
  it('ends a job that hangs when nobody asks, and keeps the patch so far', async () => {
    const model = await startScriptedModel(({ step }) =>
      step === 0 ? run('echo half > half.txt') : hang('request'),
    );
    const offshoot = await makeOffshoot({ model });
    after(() => model.close());
    try {
      await offshoot.start();
      const id = await offshoot.delegate('hang', { deadline_seconds: 4 });
      // Its last file is the artifact; no call asks for the job in the meantime.
      await model.requested(2);
      const directory = join(offshoot.stateDir, 'jobs', id);
      await appears(directory, 'patch');
      await access(join(directory, 'attempts', '1', 'exit'));
      const result = await offshoot.result(id);
      assert.equal(result.status, 'expired');
      assert.equal(result.error.code, 'deadline_passed');
      assert.match(result.patch.toString(), /half\.txt/);
      await leavesNothing(offshoot);
    } finally {
      await offshoot.remove();
    }
  });
});
