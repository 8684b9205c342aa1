import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setImmediate as soon } from 'node:timers/promises';
import { createLog } from '../../src/log.js';
import { invoke } from '../../src/operations/invoke.js';
import type { Operation } from '../../src/operations/operation.js';
import { status } from '../../src/operations/status.js';
import { type Answer, makeOffshoot, type Offshoot } from '../support/offshoot.js';
import { makeCall } from '../support/operations.js';
import { repairOf, SHELL_AGENT } from './world.js';

/** Each test is refused with the code that its title begins with, does what the refusal advises, and gets past it. */
describe('the advice of a refused call', () => {
  let offshoot: Offshoot;
  before(async () => {
    offshoot = await makeOffshoot({ environment: { ...SHELL_AGENT, OFFSHOOT_MAX_RUNNING: '4' } });
    await offshoot.start();
  });
  after(() => offshoot.remove());

  const work = (more: object = {}) => ({ task: 'true', workspace_root: offshoot.repository, ...more });
  async function refused(code: string, operation: string, input: object): Promise<Answer> {
    const fault = await offshoot.refusal(operation, input);
    assert.equal(fault.code, code, fault.message);
    return fault;
  }
  const accepted = async (more: object = {}) =>
    (await offshoot.call('codex_delegate_async', work(more))).job_id as string;

  it('invalid_arguments: correct the named fields', async () => {
    const fault = await refused('invalid_arguments', 'codex_delegate_async', work({ priority: 1_000_000 }));
    assert.match(JSON.stringify(fault.details.fields), /priority/);
    await accepted({ priority: 1 });
  });

  it('unknown_tool: call one that there is', async () => {
    await refused('unknown_tool', 'codex_nothing', {});
    await offshoot.call('codex_status');
  });

  it('input_too_large: shorten the task, and put what is long into a file', async () => {
    const long = 'x'.repeat(250_000);
    await refused('input_too_large', 'codex_delegate_async', work({ task: `# ${long}` }));
    await writeFile(join(offshoot.repository, 'long.txt'), long);
    const id = await accepted({ task: 'wc -c <long.txt', include_untracked: true });
    assert.equal((await offshoot.result(id)).summary.trim(), '250000');
    await rm(join(offshoot.repository, 'long.txt'));
  });

  it('extra_args_rejected: one of the settings that the refusal names', async () => {
    const extra = ['--sandbox', 'danger-full-access'];
    const fault = await refused('extra_args_rejected', 'codex_delegate_async', work({ extra_args: extra }));
    const [allowed] = fault.details.allowed_values;
    await accepted({ extra_args: ['-c', allowed.replace('VALUE', '1000')] });
  });

  it('internal_error: the log is where codex_status says, and tells what broke', async () => {
    // No call is known that breaks the daemon: a verb of this test does.
    const handle = () => Promise.reject(new Error('a defect'));
    const call = makeCall();
    const logs = join(call.house.settings.stateDir, 'logs');
    await mkdir(logs);
    const log = createLog(join(logs, 'daemon.log'), 'info', false);
    const broken = await invoke([{ ...status, handle }], status.tool, {}, call, log);
    assert.ok(!broken.ok && broken.fault.code === 'internal_error');
    assert.equal(repairOf(broken.fault).tool, status.tool);
    const told = await invoke([status as Operation], status.tool, {}, call, log);
    assert.ok(told.ok);
    const { daemon } = told.value as Answer;
    while (!(await readFile(daemon.log, 'utf8').catch(() => '')).includes('a defect')) await soon();
  });

  it('cannot_continue: a new job, with all that it has to know in its task', async () => {
    const id = await accepted({ task: 'echo half >>a.txt' });
    await offshoot.result(id);
    const other = join(offshoot.root, 'other');
    await offshoot.git('clone', '--quiet', offshoot.repository, other);
    const elsewhere = { continues: id, workspace_root: other };
    await refused('cannot_continue', 'codex_delegate_async', work(elsewhere));
    await accepted({ task: 'echo whole >>a.txt', workspace_root: other });
  });

  it('invalid_workspace_root: pass the absolute path of a directory', async () => {
    await refused('invalid_workspace_root', 'codex_delegate_async', work({ workspace_root: './repository' }));
    await accepted();
  });

  it('not_a_git_repo: make it one, with a commit; and no_commit on the way', async () => {
    const directory = join(offshoot.root, 'plain');
    await mkdir(directory);
    await refused('not_a_git_repo', 'codex_delegate_async', work({ workspace_root: directory }));
    await offshoot.git('init', '--quiet', directory);
    await refused('no_commit', 'codex_delegate_async', work({ workspace_root: directory }));
    await offshoot.git('-C', directory, 'commit', '--quiet', '--allow-empty', '-m', 'first');
    await accepted({ workspace_root: directory });
  });

  it('bare_repository: use a clone of it', async () => {
    const [bare, clone] = [join(offshoot.root, 'bare'), join(offshoot.root, 'clone')];
    await offshoot.git('clone', '--quiet', '--bare', offshoot.repository, bare);
    await refused('bare_repository', 'codex_delegate_async', work({ workspace_root: bare }));
    await offshoot.git('clone', '--quiet', bare, clone);
    await accepted({ workspace_root: clone });
  });

  it('job_not_found: list the jobs to find the id', async () => {
    const id = await accepted({ label: 'to be found' });
    const fault = await refused('job_not_found', 'codex_job_status', { job_id: id.slice(1) });
    const { jobs } = await offshoot.call(repairOf(fault).tool ?? '', { label: 'to be found' });
    assert.deepEqual(
      jobs.map((job: Answer) => job.job_id),
      [id],
    );
    await offshoot.call('codex_job_status', { job_id: jobs[0].job_id });
  });

  it('job_running: wait for it, with the tool and the arguments that the refusal names', async () => {
    const go = join(offshoot.root, 'go');
    const id = await accepted({ task: `until [ -e ${go} ]; do sleep 0.02; done` });
    const fault = await refused('job_running', 'codex_job_result', { job_id: id });
    await writeFile(go, '');
    await offshoot.call(repairOf(fault).tool ?? '', fault.repairArguments);
    await offshoot.result(id);
  });

  it('result_unreadable: the log is where codex_status says, and the status still tells the end', async () => {
    const id = await accepted({ task: 'echo more >>a.txt' });
    await offshoot.result(id);
    await rm(join(offshoot.stateDir, 'jobs', id, 'patch'));
    const fault = await refused('result_unreadable', 'codex_job_result', { job_id: id });
    const { daemon } = await offshoot.call(repairOf(fault).tool ?? '');
    assert.match(daemon.log, /daemon\.log$/);
    assert.equal((await offshoot.call('codex_job_status', { job_id: id })).status, 'done');
  });

  it('invalid_cursor: call without one, then use those of the answers', async () => {
    await Promise.all([accepted(), accepted()]);
    await refused('invalid_cursor', 'codex_job_list', { cursor: 'bm90aGluZw' });
    const first = await offshoot.call('codex_job_list', { limit: 1 });
    const second = await offshoot.call('codex_job_list', { limit: 1, cursor: first.next_cursor });
    assert.notEqual(first.jobs[0].job_id, second.jobs[0].job_id);
  });

  it('idempotency_conflict: a new key for new work', async () => {
    const id = await accepted({ idempotency_key: 'one' });
    await refused(
      'idempotency_conflict',
      'codex_delegate_async',
      work({ task: 'false', idempotency_key: 'one' }),
    );
    assert.notEqual(await accepted({ task: 'false', idempotency_key: 'two' }), id);
    assert.equal(await accepted({ idempotency_key: 'one' }), id);
  });

  it('idempotency_result_unavailable: a new key if the work is to be done again', async () => {
    const id = await accepted({ idempotency_key: 'gone' });
    await offshoot.result(id);
    await offshoot.call('codex_job_consume_result', { job_id: id });
    await refused(
      'idempotency_result_unavailable',
      'codex_delegate_async',
      work({ idempotency_key: 'gone' }),
    );
    await accepted({ idempotency_key: 'gone again' });
  });
});
