import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { acquireDaemonLock } from '../../src/ipc/daemon-lock.js';
import { lastingDirectory } from '../support/directory.js';

const directory = lastingDirectory();

const moduleUrl = new URL('../../src/ipc/daemon-lock.js', import.meta.url).href;

/** Another process that holds the lock, and keeps it: whoever drops it gives it up to the collector. */
async function startHolder(path: string): Promise<ChildProcess> {
  const script = `import { acquireDaemonLock } from ${JSON.stringify(moduleUrl)};
    globalThis.kept = acquireDaemonLock(${JSON.stringify(path)});
    console.log(kept.ok); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(holder.stdout, 'data');
  assert.equal(String(said), 'true\n');
  return holder;
}

test('the lock is held against other processes until its holder is killed, and free right then', async () => {
  const path = join(directory, 'a.lock');
  const holder = await startHolder(path);
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

test('a lock file that lies nowhere is refused and not taken for held', () => {
  const refused = acquireDaemonLock(join(directory, 'no', 'where'));
  assert.ok(!refused.ok && refused.fault.details?.held === false);
});

test('what somebody wrote into the lock file keeps nobody from taking it, and takes it from nobody', async () => {
  const path = join(directory, 'c.lock');
  for (const written of ['12345\n', 'x'.repeat(4096)]) {
    await writeFile(path, written);
    const holder = await startHolder(path);
    await writeFile(path, written);
    const refused = acquireDaemonLock(path);
    assert.ok(!refused.ok && refused.fault.details?.held === true);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  }
});
