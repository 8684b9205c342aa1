import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeOffshoot } from '../support/offshoot.js';

const JOBS = 64;

describe('jobs beside their user', { timeout: 300_000 }, () => {
  it('sixty-four on one repository fail neither themselves nor the user, who commits, switches and collects garbage', async () => {
    const offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND:
          'read name; echo "$name" >"$name.txt"; git add -A; git commit -qm work; git log -3 >/dev/null',
        OFFSHOOT_MAX_RUNNING: String(JOBS),
      },
    });
    try {
      await writeFile(join(offshoot.repository, 'big.txt'), 'line\n'.repeat(2_000));
      await offshoot.git('add', '.');
      await offshoot.git('commit', '--quiet', '--message', 'second');
      const gitDirectory = join(offshoot.repository, '.git');
      const before = await readdir(gitDirectory);
      const settings = await settingsOf(gitDirectory);
      await offshoot.start();
      const names = Array.from({ length: JOBS }, (_, index) => `job${index}`);
      let finished = false;
      const user = (async () => {
        for (let round = 0; !finished; round += 1) {
          await offshoot.git('switch', '--quiet', '--force-create', `branch${round % 3}`);
          await writeFile(join(offshoot.repository, 'a.txt'), `round ${round}\n`);
          // Every other time the commit before is dropped, and what nothing refers to goes at once.
          const drops = round % 2 === 1;
          const amend = drops ? ['--amend'] : [];
          await offshoot.git('commit', '--quiet', '--all', ...amend, '--message', `round ${round}`);
          await writeFile(join(offshoot.repository, 'a.txt'), `uncommitted ${round}\n`);
          if (drops) await offshoot.git('reflog', 'expire', '--expire=now', '--all');
          await offshoot.git('gc', '--quiet', ...(drops ? ['--prune=now'] : []));
          await offshoot.git('status', '--porcelain');
        }
      })();
      const results = await Promise.all(
        names.map(async (name) => offshoot.result(await offshoot.delegate(`${name}\n`))),
      ).finally(() => {
        finished = true;
      });
      await user;
      const log = await readFile(join(offshoot.stateDir, 'logs', 'daemon.log'), 'utf8');
      const troubles = log.split('\n').filter((line) => line.includes('"err"'));
      for (const [index, { status, error, files }] of results.entries()) {
        assert.equal(status, 'done', `${JSON.stringify(error)} ${troubles.join('\n')}`);
        assert.deepEqual(
          files.map(({ path }: { path: string }) => path),
          [`${names[index]}.txt`],
        );
      }
      const after = await readdir(gitDirectory);
      const usual = ['COMMIT_EDITMSG', 'packed-refs', 'gc.log', 'ORIG_HEAD', 'logs'];
      assert.deepEqual(
        after.filter((name) => !before.includes(name) && !usual.includes(name)),
        [],
      );
      assert.deepEqual(await settingsOf(gitDirectory), settings);
      const left = await readdir(gitDirectory, { recursive: true });
      assert.deepEqual(
        left.filter((path) => /\.lock$|^worktrees|alternates$/.test(path)),
        [],
      );
      // Baselines, what agents wrote and what they committed: none of it is among the user's objects.
      const objects = await offshoot.git('cat-file', '--batch-all-objects', '--batch');
      assert.ok(/^round \d+$/m.test(objects));
      assert.deepEqual(objects.match(/offshoot@localhost|^job\d+$|^work$/gm), null);
      assert.match(
        await offshoot.git('for-each-ref', '--format=%(refname)'),
        /^(refs\/heads\/(main|branch\d)\n)+$/,
      );
      assert.doesNotMatch(await offshoot.git('fsck', '--full', '--strict'), /error|missing|corrupt/);
      assert.deepEqual(await offshoot.slots(), []);
    } finally {
      await offshoot.remove();
    }
  });

  it('one on a subdirectory works there, and its git finds no repository beyond the worktree', async () => {
    const offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND:
          'pwd; rm -rf ../../.git; git rev-parse --git-dir >found 2>/dev/null; cp b.txt copy.txt',
      },
    });
    try {
      const directory = join(offshoot.repository, 'packages', 'one');
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, 'b.txt'), 'b\n');
      await offshoot.git('add', '.');
      await offshoot.git('commit', '--quiet', '--message', 'second');
      await writeFile(join(directory, 'untracked.txt'), 'u\n');
      // A repository of somebody else around the state directory.
      await mkdir(join(offshoot.stateDir), { recursive: true });
      await offshoot.git('init', '--quiet', offshoot.stateDir);
      await offshoot.start();
      const id = await offshoot.delegate('task', { workspace_root: directory, include_untracked: true });
      const result = await offshoot.result(id);
      assert.match(result.summary, /\/wt\/packages\/one$/);
      const patch = result.patch.toString();
      assert.match(patch, /^\+\+\+ b\/packages\/one\/copy\.txt$/m);
      assert.doesNotMatch(patch, /untracked/);
      assert.match(
        patch,
        /^diff --git a\/packages\/one\/found b\/packages\/one\/found\nnew file mode 100644\nindex 0{40}\.\.e69de29/m,
      );
      assert.equal(await readFile(join(directory, 'b.txt'), 'utf8'), 'b\n');
    } finally {
      await offshoot.remove();
    }
  });
});

/** What in a git directory is the user's alone to write, but for refs and objects. */
async function settingsOf(gitDirectory: string): Promise<Record<string, string>> {
  const names = ['config', 'description', 'info/exclude'];
  const hooks = (await readdir(join(gitDirectory, 'hooks'))).map((name) => `hooks/${name}`);
  const contents = [...names, ...hooks].map(async (name) => [
    name,
    await readFile(join(gitDirectory, name), 'latin1'),
  ]);
  return Object.fromEntries(await Promise.all(contents));
}
