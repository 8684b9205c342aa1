import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { preview } from '../../src/git/preview.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

const neverAborted = new AbortController().signal;

async function look(offshoot: Offshoot, over: Partial<Parameters<typeof preview>[0]> = {}) {
  const outcome = await preview({
    repositoriesDirectory: join(offshoot.stateDir, 'repositories'),
    slot: 'preview-test',
    workspaceRoot: offshoot.repository,
    baseRef: null,
    includeUntracked: false,
    cleanFilters: true,
    environment: offshoot.environment,
    signal: neverAborted,
    ...over,
  });
  assert.deepEqual(await offshoot.slots(), []);
  return outcome;
}

async function withRepository(test: (offshoot: Offshoot) => Promise<void>): Promise<void> {
  const offshoot = await makeOffshoot();
  try {
    await test(offshoot);
  } finally {
    await offshoot.remove();
  }
}

const pointer = (oid: string, bytes: number) =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${bytes}\n`;

describe('what a job would start from', () => {
  it('is HEAD itself where nothing is changed', () =>
    withRepository(async (offshoot) => {
      const outcome = await look(offshoot);
      assert.ok(outcome.ok);
      const head = (await offshoot.git('rev-parse', 'HEAD')).trim();
      assert.deepEqual(outcome.value, {
        baseCommit: head,
        baselineCommit: head,
        uncommitted: 0,
        untracked: { taken: 0, left: 0 },
        files: 1,
        bytes: 14,
        submodules: { present: 0, missing: 0 },
        largeFiles: { present: 0, missing: 0 },
        warm: false,
        warnings: [],
      });
    }));

  it('counts changes, untracked and large files, submodules, and warns of what Codex will read', () =>
    withRepository(async (offshoot) => {
      const at = (...names: string[]) => join(offshoot.repository, ...names);
      const present = 'a'.repeat(64);
      await writeFile(at('.gitattributes'), '*.bin filter=lfs\n');
      await writeFile(at('one.bin'), pointer(present, 1_000));
      await writeFile(at('two.bin'), pointer('b'.repeat(64), 2_000));
      await writeFile(at('no pointer.txt'), `quoted:\n${pointer('c'.repeat(64), 3_000)}`);
      await mkdir(at('.git', 'lfs', 'objects', 'aa', 'aa'), { recursive: true });
      await writeFile(at('.git', 'lfs', 'objects', 'aa', 'aa', present), 'x'.repeat(1_000));
      await writeFile(at('AGENTS.md'), 'Rhyme.\n');
      await writeFile(at('.env'), 'KEY=1\n');
      await offshoot.git('add', '.');
      const head = (await offshoot.git('rev-parse', 'HEAD')).trim();
      await offshoot.git('update-index', '--add', '--cacheinfo', `160000,${head},sub`);
      await offshoot.git('commit', '--quiet', '--message', 'more');
      await mkdir(at('sub'));
      await writeFile(at('a.txt'), 'changed\n');
      await writeFile(at('new.txt'), 'new\n');

      const before = await offshoot.git('status', '--porcelain=v2', '--ignored');
      const objects = await readdir(at('.git', 'objects'));
      const left = await look(offshoot);
      assert.ok(left.ok);
      assert.notEqual(left.value.baselineCommit, left.value.baseCommit);
      assert.deepEqual([left.value.uncommitted, left.value.untracked], [1, { taken: 0, left: 1 }]);
      assert.deepEqual(left.value.largeFiles, { present: 1, missing: 1 });
      assert.deepEqual(left.value.submodules, { present: 0, missing: 1 });
      assert.equal(left.value.files, 7);
      assert.match(left.value.warnings.join('\n'), /instructions in "AGENTS.md".*secrets.*"\.env"/s);
      const taken = await look(offshoot, { includeUntracked: true });
      assert.deepEqual(taken.ok && [taken.value.uncommitted, taken.value.untracked, taken.value.files], [
        1,
        { taken: 1, left: 0 },
        8,
      ]);
      assert.equal(await offshoot.git('status', '--porcelain=v2', '--ignored'), before);
      assert.deepEqual(await readdir(at('.git', 'objects')), objects);
    }));

  it('is another commit where one is named, and is refused as a job would be', () =>
    withRepository(async (offshoot) => {
      const first = (await offshoot.git('rev-parse', 'HEAD')).trim();
      await offshoot.git('commit', '--quiet', '--allow-empty', '--message', 'second');
      await writeFile(join(offshoot.repository, 'a.txt'), 'changed\n');
      const named = await look(offshoot, { baseRef: first });
      assert.deepEqual(named.ok && [named.value.baselineCommit, named.value.uncommitted], [first, 0]);
      assert.match((named.ok && named.value.warnings.join()) || '', /not carried over/);
      const lost = await look(offshoot, { baseRef: 'nowhere' });
      assert.equal(lost.ok ? null : lost.fault.code, 'base_ref_not_found');
      const stopped = await look(offshoot, { signal: AbortSignal.abort() });
      assert.equal(stopped.ok, false);
    }));
});
