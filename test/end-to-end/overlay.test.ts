import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as nextLook } from 'node:timers/promises';
import { run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { findMountWay } from '../../src/git/overlay.js';
import { temporaryDirectory } from '../support/directory.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

/** Changes each kind of thing, from the subdirectory that the caller is in. */
const CHANGES = 'cat inner.txt && echo more >>inner.txt && rm ../a.txt && mkdir new && echo n >new/file';
const CHANGED = [
  ['a.txt', 'deleted'],
  ['dir/inner.txt', 'modified'],
  ['dir/new/file', 'added'],
];

const temporary = await temporaryDirectory();
const works = (await findMountWay(temporary.path)) !== null;
await temporary.remove();

describe('jobs whose worktrees are overlays', { skip: works ? false : 'none can be mounted here' }, () => {
  let model: ScriptedModel;
  before(async () => {
    model = await startScriptedModel(({ task, step }) =>
      step === 0 && task === 'edit' ? run(CHANGES) : say('Done.'),
    );
  });
  after(() => model.close());

  it('has the real Codex CLI, in its sandbox, work in one', async () => {
    const offshoot = await withOverlays({ model });
    try {
      await settle(offshoot, 'look');
      assert.equal((await trees(offshoot)).length, 1);
      const id = await delegate(offshoot, 'edit');
      const result = await offshoot.result(id);
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.deepEqual(changesOf(result), CHANGED);
      assert.deepEqual(result.warnings, []);
      assert.deepEqual(await offshoot.slots(), []);
      assert.equal(await offshoot.git('status', '--porcelain'), '');
    } finally {
      await offshoot.remove();
    }
  });

  it('goes on after the daemon was killed, and leaves no mount, process or slot', async () => {
    const outside = await temporaryDirectory();
    const gate = join(outside.path, 'gate');
    const offshoot = await withOverlays({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: `read task; [ "$task" = look ] || { ${CHANGES}; until [ -e ${gate} ]; do sleep 0.1; done; }`,
      },
    });
    try {
      await settle(offshoot, 'look\n');
      const [kept, cancelled] = [await delegate(offshoot, 'edit\n'), await delegate(offshoot, 'edit\n')];
      for (const id of [kept, cancelled]) await untilChanged(offshoot, id);
      assert.equal(await mountsSeenByAll(offshoot), 0);
      await offshoot.kill();
      await offshoot.start();
      await offshoot.call('codex_job_cancel', { job_id: cancelled });
      assert.deepEqual(changesOf(await offshoot.result(cancelled)), CHANGED);
      await writeFile(gate, '');
      const result = await offshoot.result(kept);
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.deepEqual(changesOf(result), CHANGED);
      assert.deepEqual(await offshoot.slots(), []);
      assert.deepEqual(await offshoot.agents(), []);
      assert.equal((await trees(offshoot)).length, 1);
    } finally {
      await offshoot.remove();
      await outside.remove();
    }
  });
});

async function withOverlays(options: Parameters<typeof makeOffshoot>[0]): Promise<Offshoot> {
  const offshoot = await makeOffshoot({
    ...options,
    environment: { OFFSHOOT_OVERLAY: 'true', ...options?.environment },
  });
  await mkdir(join(offshoot.repository, 'dir'));
  await writeFile(join(offshoot.repository, 'dir/inner.txt'), 'inner\n');
  await offshoot.git('add', '.');
  await offshoot.git('commit', '--quiet', '--message', 'second');
  await offshoot.start();
  return offshoot;
}

const delegate = (offshoot: Offshoot, task: string) =>
  offshoot.delegate(task, { workspace_root: join(offshoot.repository, 'dir') });

async function settle(offshoot: Offshoot, task: string): Promise<void> {
  const result = await offshoot.result(await delegate(offshoot, task));
  assert.equal(result.status, 'done', JSON.stringify(result.error));
}

const changesOf = (result: { files: { path: string; status: string }[] }): string[][] =>
  result.files.map(({ path, status }) => [path, status]).sort();

async function repositoryOf({ stateDir }: Offshoot): Promise<string> {
  const repositories = join(stateDir, 'repositories');
  const name = (await readdir(repositories)).find((each) => each.startsWith('repository-'));
  return join(repositories, name ?? '');
}

const trees = async (offshoot: Offshoot): Promise<string[]> =>
  readdir(join(await repositoryOf(offshoot), 'lower')).catch(() => []);

async function untilChanged(offshoot: Offshoot, job: string): Promise<void> {
  const last = join(await repositoryOf(offshoot), 'slots', job, 'upper/dir/new/file');
  while ((await readFile(last, 'utf8').catch(() => '')) !== 'n\n') await nextLook(20);
}

async function mountsSeenByAll({ root }: Offshoot): Promise<number> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  return mounts.split('\n').filter((line) => line.includes(root)).length;
}
