import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createOrchestrator, type Orchestrator, type OrchestratorOptions } from '../src/orchestrator.js';
import { temporaryDirectory } from './support/directory.js';
import { temporaryRepository } from './support/operations.js';

/** The agent waits for a file before it ends. */
const AGENT = 'cat >task.txt; until [ -e "$HOME/go" ]; do sleep 0.02; done; echo said';

describe('an orchestrator inside another program', () => {
  const repository = temporaryRepository();
  let home: Awaited<ReturnType<typeof temporaryDirectory>>;
  const go = () => writeFile(join(home.path, 'go'), '');

  before(async () => {
    home = await temporaryDirectory();
  });
  after(() => home.remove());

  const open = (settings: OrchestratorOptions['settings'] = {}) =>
    createOrchestrator({
      settings: { backend: 'command', command: AGENT, max_running: 2, ...settings },
      environment: { HOME: home.path, PATH: process.env.PATH, OFFSHOOT_STATE_DIR: join(home.path, 'state') },
    });
  async function opened(): Promise<Orchestrator> {
    const orchestrator = await open();
    assert.ok(orchestrator.ok, JSON.stringify(orchestrator));
    return orchestrator.value;
  }

  it('runs a job, tells of each state it is in, and leaves a patch', async () => {
    const orchestrator = await opened();
    try {
      const heard = new Set<string>();
      orchestrator.subscribe(({ status }) => heard.add(status));
      const started = await orchestrator.delegateAsync({ task: 'the work', workspace_root: repository });
      assert.ok(started.ok);
      await go();
      const waited = await orchestrator.jobWait({ job_ids: [started.value.job_id], timeout_seconds: 50 });
      assert.ok(waited.ok);
      const result = await orchestrator.jobResult({ job_id: started.value.job_id });
      assert.ok(result.ok);
      assert.equal(result.value.status, 'done', JSON.stringify(result.value.error));
      assert.match(String(result.value.patch), /\+the work/);
      for (const state of ['worktree', 'running', 'diffing', 'done']) assert.ok(heard.has(state), state);
    } finally {
      await orchestrator.close();
    }
  });

  it('answers each call with a value of its own, which a program may change', async () => {
    const orchestrator = await opened();
    try {
      const wait = () => orchestrator.jobWait({ job_ids: ['f'.repeat(32)] });
      const [changed, other] = await Promise.all([wait(), wait()]);
      assert.ok(changed.ok && other.ok);
      changed.value.jobs.pop();
      changed.value.jobs_total = 0;
      assert.deepEqual([other.value.jobs.length, other.value.jobs_total], [1, 1]);
    } finally {
      await orchestrator.close();
    }
  });

  it('takes a setting that is undefined for one that was not given', async () => {
    const orchestrator = await open({ codex_path: undefined, max_running: undefined });
    assert.ok(orchestrator.ok, JSON.stringify(orchestrator));
    await orchestrator.value.close();
  });

  it('takes settings in the form of the configuration file, and tells of an unknown one that it was given', async () => {
    const orchestrator = await open({ token_limits: { ci: { max_running: 2 } }, warm_paths: ['.venv'] });
    assert.ok(orchestrator.ok, JSON.stringify(orchestrator));
    await orchestrator.value.close();
    const refused = await createOrchestrator({ settings: { state_directory: home.path } as object });
    assert.ok(!refused.ok);
    assert.match(refused.fault.message, /^Unknown settings were given: "state_directory"\./);
  });

  it('lets the program end that closes it while a call is under way', async () => {
    const program = `
      import { createOrchestrator } from '${import.meta.resolve('../src/orchestrator.js')}';
      const settings = { backend: 'command', command: 'exec sleep 3', max_running: 1 };
      const { value: orchestrator } = await createOrchestrator({ settings, environment: process.env });
      const ids = [];
      for (const task of ['one', 'two']) {
        const started = await orchestrator.delegateAsync({ task, workspace_root: '${repository}' });
        ids.push(started.value.job_id);
      }
      const answers = ids.map((job_id) => orchestrator.jobCancel({ job_id }));
      await orchestrator.close();
      for (const { ok } of await Promise.all(answers)) console.log(typeof ok);`;
    const file = join(home.path, 'program.mjs');
    await writeFile(file, program);
    const { stdout } = await promisify(execFile)(process.execPath, [file], {
      env: { HOME: home.path, PATH: process.env.PATH, OFFSHOOT_STATE_DIR: join(home.path, 'closed') },
      timeout: 60_000,
    });
    assert.equal(stdout, 'boolean\nboolean\n');
  });

  it('answers a wait as it is closed, not when its time is over', { timeout: 40_000 }, async () => {
    const orchestrator = await opened();
    const started = await orchestrator.delegateAsync({ task: 'waited for', workspace_root: repository });
    assert.ok(started.ok);
    const waiting = orchestrator.jobWait({ job_ids: [started.value.job_id], timeout_seconds: 50 });
    await orchestrator.close();
    const waited = await waiting;
    assert.ok(waited.ok, JSON.stringify(waited));
    assert.equal(waited.value.timed_out, true);
  });

  it('may be closed again, and refuses calls then', async () => {
    const orchestrator = await opened();
    await Promise.all([orchestrator.close(), orchestrator.close()]);
    await orchestrator.close();
    for (const answer of [await orchestrator.jobList({}), await orchestrator.status({})]) {
      assert.ok(!answer.ok);
      assert.equal(answer.fault.code, 'daemon_unavailable');
    }
    await (await opened()).close();
  });

  for (const options of [
    ['--input-type=module'],
    ['--input-type', 'module'],
    ['--no-warnings'],
    ['--max-semi-space-size=2'],
    ['--max-semi-space-size=2', '--input-type=module'],
  ]) {
    it(`opens in a program that is given on the command line, with ${options.join(' ')}`, async () => {
      const program = `import('${import.meta.resolve('../src/orchestrator.js')}').then(async ({ createOrchestrator }) => {
        const { ok, value } = await createOrchestrator({ environment: process.env });
        const started = await value.delegateAsync({ task: 'task', workspace_root: '${repository}' });
        await value.close();
        console.log(ok, started.ok);
      });`;
      const { stdout } = await promisify(execFile)(process.execPath, [...options, '--eval', program], {
        env: {
          HOME: home.path,
          PATH: process.env.PATH,
          OFFSHOOT_STATE_DIR: join(home.path, 'given'),
          OFFSHOOT_BACKEND: 'command',
          OFFSHOOT_COMMAND: 'true',
        },
        timeout: 60_000,
      });
      assert.equal(stdout, 'true true\n');
    });
  }

  it('says what cannot be opened, and gives the state directory back', async () => {
    const threads = createRequire(import.meta.url)('node:worker_threads');
    const { Worker } = threads;
    threads.Worker = class {
      constructor() {
        throw new Error('EAGAIN');
      }
    };
    try {
      const refused = await open();
      assert.ok(!refused.ok);
      assert.deepEqual(
        [refused.fault.code, refused.fault.details],
        ['daemon_unavailable', { reason: 'EAGAIN' }],
      );
    } finally {
      threads.Worker = Worker;
    }
    await (await opened()).close();
  });

  it('refuses with a value what does not fit, and a second one on the same state directory', async () => {
    const orchestrator = await opened();
    try {
      const refused = await orchestrator.jobStatus({ job_id: 'none' });
      assert.equal(refused.ok ? null : refused.fault.code, 'job_not_found');
      const second = await open();
      assert.equal(second.ok ? null : second.fault.code, 'daemon_unavailable');
    } finally {
      await orchestrator.close();
    }
  });

  it('takes up the jobs that an earlier one left running', async () => {
    await rm(join(home.path, 'go'), { force: true });
    const first = await opened();
    const started = await first.delegateAsync({ task: 'goes on', workspace_root: repository });
    assert.ok(started.ok);
    const { job_id } = started.value;
    await new Promise<void>((resolve) => {
      first.subscribe((job) => job.job_id === job_id && job.status === 'running' && resolve());
    });
    await first.close();

    const second = await opened();
    try {
      await go();
      await second.jobWait({ job_ids: [job_id], timeout_seconds: 50 });
      const result = await second.jobResult({ job_id });
      assert.equal(result.ok && result.value.status, 'done');
    } finally {
      await second.close();
    }
  });
});
