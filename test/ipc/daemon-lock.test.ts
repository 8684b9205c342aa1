import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { acquireDaemonLock } from '../../src/ipc/daemon-lock.js';
import { remove, temporaryDirectory } from '../support/link-toys.js';

let directory: string;
before(async () => {
  directory = await temporaryDirectory();
});
after(() => remove(directory));

const moduleUrl = new URL('../../src/ipc/daemon-lock.js', import.meta.url).href;

test('the lock is held against other processes until its holder is killed, and free right then', async () => {
  const path = join(directory, 'a.lock');
  const script = `import { acquireDaemonLock } from ${JSON.stringify(moduleUrl)};
    console.log(acquireDaemonLock(${JSON.stringify(path)}).ok); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(holder.stdout, 'data');
  assert.equal(String(said), 'true\n');

  const refused = acquireDaemonLock(path);
  assert.ok(!refused.ok && refused.fault.details?.held === true);

  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const lock = acquireDaemonLock(path);
  assert.ok(lock.ok);
  lock.value.release();
});

test('a released lock can be taken again', () => {
  for (let round = 0; round < 3; round += 1) {
    const lock = acquireDaemonLock(join(directory, 'b.lock'));
    assert.ok(lock.ok);
    lock.value.release();
  }
});

test('a lock file that is no database, or lies nowhere, is refused and not taken for held', async () => {
  await writeFile(join(directory, 'garbage'), 'x'.repeat(4096));
  for (const path of [join(directory, 'garbage'), join(directory, 'no', 'where')]) {
    const refused = acquireDaemonLock(path);
    assert.ok(!refused.ok && refused.fault.details?.held === false);
  }
});
