import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runDisk } from '../chaos/disk.js';

const JOBS = 40;

describe('the disk', () => {
  it('has nothing left of jobs that were consumed but the pool: ended, broken, cancelled, and through deaths', async () => {
    const { figures, pool, left } = await runDisk(JOBS);
    assert.deepEqual(left, []);
    assert.deepEqual(figures, {
      'jobs cancelled': JOBS * 0.3,
      'jobs done': JOBS * 0.4,
      'jobs failed': JOBS * 0.3,
      'kill -9 of the daemon': 1,
      'deaths of all threads': 1,
    });
    const warm = pool.filter((path) => path.endsWith('/wt/a.txt'));
    assert.ok(warm.length >= 1 && warm.length <= 2, `${warm.length} checkouts wait`);
  });
});
