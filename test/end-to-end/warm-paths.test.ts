import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

/** Tells what it found in `node_modules`, and leaves its own task there, with a file that the repository ignores too. */
const agent = `
read task
cat node_modules/task >found.txt 2>/dev/null || echo nothing >found.txt
mkdir -p node_modules
echo "$task" >node_modules/task
echo "$task" >ignored.log
`;

describe('the setting warm_paths', () => {
  it('has a job find the dependencies that the last one of its repository left, and nothing of them in its patch', async () => {
    const offshoot = await withRules({ OFFSHOOT_WARM_PATHS: 'node_modules,.venv' });
    try {
      assert.equal(await addedBy(offshoot, 'first\n'), 'nothing');
      assert.equal(await addedBy(offshoot, 'second\n'), 'first');
      await offshoot.kill();
      await offshoot.start();
      assert.equal(await addedBy(offshoot, 'third\n'), 'second');
      assert.equal(await offshoot.git('status', '--porcelain'), '');
    } finally {
      await offshoot.remove();
    }
  });

  it('is off unless it is set', async () => {
    const offshoot = await withRules({});
    try {
      assert.equal(await addedBy(offshoot, 'first\n'), 'nothing');
      assert.equal(await addedBy(offshoot, 'second\n'), 'nothing');
    } finally {
      await offshoot.remove();
    }
  });
});

async function withRules(environment: Record<string, string>): Promise<Offshoot> {
  const offshoot = await makeOffshoot({
    environment: {
      OFFSHOOT_BACKEND: 'command',
      OFFSHOOT_COMMAND: agent,
      OFFSHOOT_WARM_SLOTS: '1',
      ...environment,
    },
  });
  await writeFile(join(offshoot.repository, '.gitignore'), 'node_modules/\n*.log\n');
  await offshoot.git('add', '.');
  await offshoot.git('commit', '--quiet', '--message', 'rules');
  await offshoot.start();
  return offshoot;
}

/** What a job found, by the one file that is in its patch. */
async function addedBy(offshoot: Offshoot, task: string): Promise<string | undefined> {
  const result = await offshoot.result(await offshoot.delegate(task));
  assert.equal(result.status, 'done', JSON.stringify(result.error));
  assert.deepEqual(
    result.files.map(({ path }: { path: string }) => path),
    ['found.txt'],
  );
  return /^\+([a-z]+)$/m.exec(result.patch)?.[1];
}
