import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createPreviews } from '../../src/job/previews.js';
import { createReadiness } from '../../src/job/readiness.js';
import type { StagePool } from '../../src/pool/pool.js';

it('a look that breaks in its thread is told in one line, without a stack', async () => {
  const problem =
    "Error: EROFS: read-only file system, mkdtemp '/tmp/x'\n    at async look (file:///look.js:1:2)";
  const run = async () => Promise.reject(new Error(problem));
  const pool = { run } as unknown as StagePool;
  const place = { workspaceRoot: '/', baseRef: null, includeUntracked: false };
  for (const outcome of [await createReadiness(pool, () => 0)(), await createPreviews(pool)(place)]) {
    assert.equal(!outcome.ok && outcome.fault.code, 'internal_error');
    assert.match(outcome.ok ? '' : outcome.fault.message, /^The \w+ broke: .*EROFS.*'\/tmp\/x'$/);
  }
});
