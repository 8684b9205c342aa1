import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { attemptLayout } from '../../src/job/layout.js';
import { findAgent } from '../../src/stages/start-agent.js';
import { temporaryDirectory } from '../support/directory.js';

it('of an attempt whose files were taken away no agent is found, whatever is in their place', async () => {
  const { path, remove } = await temporaryDirectory();
  const jobId = 'a'.repeat(32);
  try {
    assert.equal(await findAgent(jobId, attemptLayout(path, jobId, 1)), null);
    await writeFile(join(path, 'jobs'), '');
    assert.equal(await findAgent(jobId, attemptLayout(path, jobId, 1)), null);
  } finally {
    await remove();
  }
});
