import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { run, say } from '../../src/demo/reply.js';
import { type ModelRequest, startScriptedModel } from '../../src/demo/scripted-model.js';
import { appears } from '../support/git-gate.js';
import { leavesNothing, makeOffshoot } from '../support/offshoot.js';

describe('a daemon killed with kill -9', { concurrency: 3 }, () => {
  it('loses no job, queued or running, and asks the model for nothing twice', async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const model = await startScriptedModel(async ({ task, step }: ModelRequest) => {
      if (step === 0) return run(`echo "${task}" > done.txt`);
      await released;
      return say(`Did ${task}.`);
    });
    const offshoot = await makeOffshoot({ model, environment: { OFFSHOOT_MAX_RUNNING: '2' } });
    try {
      await offshoot.start();
      const tasks = ['one', 'two', 'three', 'four'];
      const ids: string[] = [];
      for (const task of tasks) ids.push(await offshoot.delegate(task));
      // Both running agents are in the middle of their turn.
      await model.requested(2, 'one');
      await model.requested(2, 'two');
      await offshoot.kill();
      await offshoot.start();
      const status = await offshoot.call('codex_job_status', { job_id: ids[0] });
      assert.equal(status.status, 'running');
      assert.deepEqual(
        (await offshoot.call('codex_job_list', {})).jobs.map(
          ({ queue_position }: { queue_position: number }) => queue_position,
        ),
        [2, 1, null, null],
      );
      release();
      for (const [index, id] of ids.entries()) {
        const result = await offshoot.result(id);
        assert.equal(result.status, 'done', JSON.stringify(result.error));
        assert.equal(result.summary, `Did ${tasks[index]}.`);
        assert.match(result.patch.toString(), new RegExp(`\\+${tasks[index]}\n`));
        assert.equal(model.requests(tasks[index]).length, 2);
      }
      await leavesNothing(offshoot);
    } finally {
      await offshoot.remove();
      await model.close();
    }
  });

  it('finds an agent that ended while no daemon was there', async () => {
    const offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND:
          'cat >task.txt; : >"$HOME/started"; until [ -e "$HOME/go" ]; do sleep 0.02; done; echo said; : >"$HOME/ended"',
      },
    });
    try {
      await offshoot.start();
      const id = await offshoot.delegate('end alone');
      await appears(`${offshoot.root}/home`, 'started');
      await offshoot.reach(id, 'running');
      await offshoot.kill();
      await writeFile(`${offshoot.root}/home/go`, '');
      await appears(`${offshoot.stateDir}/jobs/${id}/attempts/1`, 'exit');
      await offshoot.start();
      const result = await offshoot.result(id);
      assert.equal(result.status, 'done');
      assert.equal(result.summary, 'said');
      assert.match(result.patch.toString(), /end alone/);
    } finally {
      await offshoot.remove();
    }
  });

  it('ends an agent at its deadline although no daemon is there, and the next one says so', async () => {
    const offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: 'cat >task.txt; : >"$HOME/started"; exec sleep 600',
      },
    });
    try {
      await offshoot.start();
      const id = await offshoot.delegate('outlive', { deadline_seconds: 2 });
      await appears(`${offshoot.root}/home`, 'started');
      await offshoot.reach(id, 'running');
      await offshoot.kill();
      await appears(`${offshoot.stateDir}/jobs/${id}/attempts/1`, 'exit');
      await offshoot.start();
      const result = await offshoot.result(id);
      assert.equal(result.status, 'expired');
      assert.match(result.patch.toString(), /outlive/);
      assert.deepEqual(await offshoot.agents(), []);
    } finally {
      await offshoot.remove();
    }
  });
});
