import assert from 'node:assert/strict';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { DatabaseSync } from '@photostructure/sqlite';
import type { Offshoot } from '../support/offshoot.js';
import { repairOf, restart, run, SHELL_AGENT, whenItPassed, withOffshoot } from './world.js';

const work = (offshoot: Offshoot, more: object = {}) => ({
  task: 'true',
  workspace_root: offshoot.repository,
  ...more,
});

async function refused(offshoot: Offshoot, code: string, more: object = {}) {
  const fault = await offshoot.refusal('codex_delegate_async', work(offshoot, more));
  assert.equal(fault.code, code, fault.message);
  return fault;
}

const endsAsDone = async (offshoot: Offshoot, more: object = {}) => {
  const result = await offshoot.result(await offshoot.delegate('true', more));
  assert.equal(result.status, 'done', JSON.stringify(result.error));
};

/** Each test is refused with the code that its title begins with, does what the refusal advises, and gets past it. */
describe('the advice where something lacks', { concurrency: 3 }, () => {
  it('command_not_set: set the command', () =>
    withOffshoot({ environment: { OFFSHOOT_BACKEND: 'command' } }, async (offshoot) => {
      await offshoot.start();
      const fault = await refused(offshoot, 'command_not_set');
      assert.match(repairOf(fault).advice, /OFFSHOOT_COMMAND/);
      await restart(offshoot, SHELL_AGENT);
      await endsAsDone(offshoot);
    }));

  it('codex_not_found: set the path', () =>
    withOffshoot({ environment: { OFFSHOOT_CODEX_PATH: '/nonexistent/codex' } }, async (offshoot) => {
      await offshoot.start();
      const fault = await refused(offshoot, 'codex_not_found');
      assert.match(repairOf(fault).advice, /OFFSHOOT_CODEX_PATH/);
      const real = join(process.cwd(), 'node_modules/.bin/codex');
      await restart(offshoot, { OFFSHOOT_CODEX_PATH: real, CODEX_API_KEY: 'no-secret' });
      assert.equal((await offshoot.call('codex_status')).codex.found, true);
    }));

  it('codex_auth_required: set a key where the daemon starts', () =>
    withOffshoot({}, async (offshoot) => {
      await offshoot.start();
      const fault = await refused(offshoot, 'codex_auth_required');
      assert.match(repairOf(fault).advice, /CODEX_API_KEY/);
      await restart(offshoot, { CODEX_API_KEY: 'no-secret' });
      assert.equal((await offshoot.call('codex_status')).problem, null);
    }));

  it('codex_unsupported: install a newer one', () =>
    withOffshoot({}, async (offshoot) => {
      // What stands for an old Codex here is a program that says that it is one, and knows nothing else.
      const old = join(offshoot.root, 'codex');
      await writeFile(old, '#!/bin/sh\necho codex-cli 0.20.0\n[ "$1" = --version ]\n');
      await chmod(old, 0o755);
      const real = offshoot.environment.OFFSHOOT_CODEX_PATH;
      Object.assign(offshoot.environment, { OFFSHOOT_CODEX_PATH: old, CODEX_API_KEY: 'no-secret' });
      await offshoot.start();
      await refused(offshoot, 'codex_unsupported');
      await restart(offshoot, { OFFSHOOT_CODEX_PATH: real });
      assert.equal((await offshoot.call('codex_status')).problem, null);
    }));

  it('sandbox_unavailable: use the command backend', () =>
    withOffshoot({}, async (offshoot) => {
      // What stands for the machine here is a program that says what Codex says on one without user namespaces.
      const program = join(offshoot.root, 'codex');
      const words =
        'bwrap: No permissions to create new namespace, likely because the kernel does not allow it';
      await writeFile(
        program,
        `#!/bin/sh\ncase "$1" in\n--version) echo codex-cli 0.169.0;;\nsandbox) echo '${words}' >&2; exit 1;;\nesac\n`,
      );
      await chmod(program, 0o755);
      Object.assign(offshoot.environment, { OFFSHOOT_CODEX_PATH: program, CODEX_API_KEY: 'no-secret' });
      await offshoot.start();
      const fault = await refused(offshoot, 'sandbox_unavailable');
      assert.match(repairOf(fault).advice, /command backend/);
      await restart(offshoot, SHELL_AGENT);
      await endsAsDone(offshoot);
    }));

  it('backend_unsupported: codex-exec', () =>
    withOffshoot({ environment: { ...SHELL_AGENT, CODEX_API_KEY: 'no-secret' } }, async (offshoot) => {
      await offshoot.start();
      const asked = { question: 'Why?', workspace_root: offshoot.repository };
      const fault = await offshoot.refusal('codex_consult_async', asked);
      assert.equal(fault.code, 'backend_unsupported');
      await restart(offshoot, { OFFSHOOT_BACKEND: 'codex-exec' });
      const { job_id: id } = await offshoot.call('codex_consult_async', asked);
      await offshoot.call('codex_job_cancel', { job_id: id });
    }));

  it('queue_full: call again later', () =>
    withOffshoot(
      { environment: { ...SHELL_AGENT, OFFSHOOT_MAX_RUNNING: '1', OFFSHOOT_MAX_QUEUED: '1' } },
      async (offshoot) => {
        await offshoot.start();
        const go = join(offshoot.root, 'go');
        const first = await offshoot.delegate(`until [ -e ${go} ]; do sleep 0.02; done`);
        await offshoot.reach(first, 'running');
        await offshoot.delegate('true');
        const fault = await refused(offshoot, 'queue_full');
        assert.ok((fault.retryAfterMs ?? 0) > 0);
        const { ready, problem } = await offshoot.call('codex_status');
        assert.deepEqual([ready, problem.code], [false, 'queue_full']);
        await writeFile(go, '');
        await whenItPassed(() => offshoot.call('codex_delegate_async', work(offshoot)), 'queue_full');
      },
    ));

  it('nested_too_deep: have the user raise the setting', () =>
    withOffshoot({ environment: SHELL_AGENT }, async (offshoot) => {
      await offshoot.start();
      const hang = await offshoot.delegate('sleep 600');
      const agent = await offshoot.as({ client: 'agent', parentJobId: hang });
      const refusal = await agent('codex_delegate_async', work(offshoot)).catch((error: Error) => error);
      assert.match(String(refusal), /nested_too_deep/);
      await restart(offshoot, { OFFSHOOT_MAX_DEPTH: '2' });
      const again = await offshoot.as({ client: 'agent', parentJobId: hang });
      assert.ok((await again('codex_delegate_async', work(offshoot))).job_id);
      await offshoot.call('codex_job_cancel', { job_id: hang });
    }));

  it('too_many_descendants: wait for some of them', () =>
    withOffshoot(
      { environment: { ...SHELL_AGENT, OFFSHOOT_MAX_DEPTH: '2', OFFSHOOT_MAX_DESCENDANTS: '1' } },
      async (offshoot) => {
        await offshoot.start();
        const go = join(offshoot.root, 'go');
        const parent = await offshoot.delegate('sleep 600');
        const agent = await offshoot.as({ client: 'agent', parentJobId: parent });
        const task = `until [ -e ${go} ]; do sleep 0.02; done`;
        const { job_id: child } = await agent('codex_delegate_async', work(offshoot, { task }));
        const refusal = await agent('codex_delegate_async', work(offshoot)).catch((error: Error) => error);
        assert.match(String(refusal), /too_many_descendants/);
        await writeFile(go, '');
        await offshoot.result(child);
        assert.ok((await agent('codex_delegate_async', work(offshoot))).job_id);
        await offshoot.call('codex_job_cancel', { job_id: parent });
      },
    ));

  it('draining: call again, and a new daemon starts with the call', () =>
    withOffshoot({ environment: SHELL_AGENT }, async (offshoot) => {
      await offshoot.start();
      const go = join(offshoot.root, 'go');
      const id = await offshoot.delegate(`until [ -e ${go} ]; do sleep 0.02; done`);
      await offshoot.reach(id, 'running');
      const stopped = run(offshoot, 'stop');
      for (;;) {
        const answer = await offshoot.call('codex_status');
        if (answer.daemon.draining) break;
      }
      await refused(offshoot, 'draining');
      await writeFile(go, '');
      await stopped;
      const delegated = await run(offshoot, 'delegate', 'true');
      assert.equal(delegated.code, 0, delegated.output);
      await run(offshoot, 'stop', '--now');
    }));

  it('answer_lost: the list has the job that the call started', () =>
    withOffshoot({ environment: SHELL_AGENT }, async (offshoot) => {
      await offshoot.start();
      const lost = offshoot.refusal('codex_delegate', work(offshoot, { task: 'exec sleep 600' }));
      while ((await offshoot.call('codex_status')).jobs.running !== 1);
      await offshoot.kill();
      const fault = await lost;
      assert.equal(fault.code, 'answer_lost');
      assert.match(repairOf(fault).advice, /codex_job_list/);
      await offshoot.start();
      assert.equal((await offshoot.call('codex_job_list')).jobs.length, 1);
    }));

  it('daemon_unavailable: the daemon in a terminal says why, and then it starts', () =>
    withOffshoot({ environment: SHELL_AGENT }, async (offshoot) => {
      await writeFile(offshoot.stateDir, 'a file where the directory should be');
      const refusal = await run(offshoot, 'list');
      assert.equal(refusal.code, 1);
      assert.match(refusal.output, /could not be|cannot be/);
      assert.match((await run(offshoot, 'daemon')).output, /cannot be made/);
      await rename(offshoot.stateDir, `${offshoot.stateDir}.moved`);
      assert.equal((await run(offshoot, 'list')).code, 0);
      await run(offshoot, 'stop', '--now');
    }));

  it('invalid_config: correct the named setting', () =>
    withOffshoot({ environment: { ...SHELL_AGENT, OFFSHOOT_MAX_RUNNING: 'many' } }, async (offshoot) => {
      const refusal = await run(offshoot, 'config');
      assert.match(refusal.output, /OFFSHOOT_MAX_RUNNING/);
      offshoot.environment.OFFSHOOT_MAX_RUNNING = '2';
      assert.match((await run(offshoot, 'config')).output, /max_running = 2/);
    }));

  it('store_newer: another state directory', () =>
    withOffshoot({ environment: SHELL_AGENT }, async (offshoot) => {
      await mkdir(offshoot.stateDir, { mode: 0o700 });
      const store = new DatabaseSync(join(offshoot.stateDir, 'jobs.sqlite'));
      store.exec('PRAGMA user_version = 1000');
      store.close();
      const refusal = await run(offshoot, 'list');
      assert.match(refusal.output, /newer Offshoot/);
      offshoot.environment.OFFSHOOT_STATE_DIR = join(offshoot.root, 'another');
      assert.equal((await run(offshoot, 'list')).code, 0);
      await run(offshoot, 'stop', '--now');
    }));
});
