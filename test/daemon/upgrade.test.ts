import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createUpgrade, isNewer } from '../../src/daemon/upgrade.js';
import type { JobView, Supervisor } from '../../src/job/supervisor.js';

/** As much of a supervisor as an upgrade looks at. */
function supervisorWith(jobs: { left: number }) {
  const listeners = new Set<(view: JobView) => void>();
  const supervisor = {
    isIdle: () => jobs.left === 0,
    subscribe: (listener: (view: JobView) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  } as unknown as Supervisor;
  return {
    supervisor,
    settle: () => {
      for (const listener of listeners) listener({} as JobView);
    },
  };
}

const hello = (version: string) => ({
  protocol: 'mcp' as const,
  version,
  cwd: '/',
  pid: 1,
  origin: { client: 'c', parentJobId: null },
});

describe('an upgrade', () => {
  it('turns a newer client away from an idle daemon, which leaves', async () => {
    const { supervisor } = supervisorWith({ left: 0 });
    const upgrade = createUpgrade(supervisor, '1.2.3');
    const fault = upgrade.refuse(hello('1.3.0'));
    assert.equal(fault?.code, 'draining');
    assert.equal(await upgrade.asked, 'upgrade');
  });

  it('serves a newer client while jobs are left, and leaves when the last has settled', async () => {
    const jobs = { left: 1 };
    const { supervisor, settle } = supervisorWith(jobs);
    const upgrade = createUpgrade(supervisor, '1.2.3');
    assert.equal(upgrade.refuse(hello('2.0.0')), null);
    settle();
    jobs.left = 0;
    settle();
    assert.equal(await upgrade.asked, 'upgrade');
  });

  it('serves clients of the same and of older versions as they are', () => {
    const { supervisor } = supervisorWith({ left: 0 });
    const upgrade = createUpgrade(supervisor, '1.2.3');
    for (const version of ['1.2.3', '1.2.2', '0.9.9', 'no version'])
      assert.equal(upgrade.refuse(hello(version)), null);
  });

  it('compares versions by number, part by part', () => {
    assert.ok(isNewer('1.10.0', '1.9.9'));
    assert.ok(isNewer('2.0.0-rc.1', '1.9.9'));
    assert.ok(!isNewer('1.2.3', '1.2.3'));
    assert.ok(!isNewer('1.2.2', '1.2.3'));
    assert.ok(!isNewer('x', '1.0.0'));
  });
});
