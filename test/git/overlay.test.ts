import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isOverlaySlot, slotLayout } from '../../src/git/slot.js';
import {
  capture,
  git,
  makeRepository,
  makeUser,
  makeWorkspace,
  outside,
  put,
  slotOf,
  snapshot,
} from '../support/git.js';
import { makeOverlayHouse } from '../support/overlay.js';

const workspace = makeWorkspace();
const user = makeUser(workspace);
const house = await makeOverlayHouse(workspace, user);
const skip = house.works ? false : 'no overlay can be mounted here';

const files = {
  'a.txt': 'one\n',
  'b.txt': 'two\n',
  'run.sh': '#!/bin/sh\n',
  'dir/inner.txt': 'inner\n',
  'dir/other.txt': 'other\n',
  'dir/deep/file.txt': 'deep\n',
  'dir/deep/er/file.txt': 'deeper\n',
  'with space': 'space\n',
  '.gitignore': 'ignored/\n*.log\n',
};

/** What agents do, in the shell. Whatever it is, the patch is byte for byte that of an ordinary worktree. */
const acts: Record<string, string> = {
  nothing: 'true',
  'edits, deletions, new and ignored files':
    'echo more >>a.txt; rm dir/inner.txt; mkdir new; echo n >new/file; mkdir ignored; echo i >ignored/x; echo l >dir/x.log',
  'files that were only touched, or written again as they were':
    'touch a.txt; cp b.txt c; cat c >b.txt; rm c',
  'modes of files': 'chmod 755 a.txt; chmod 600 b.txt; chmod 644 run.sh',
  'modes of directories':
    'chmod 000 dir/deep/er; chmod 555 dir/deep; echo more >>dir/other.txt; chmod 500 dir',
  'a file that was renamed': 'mv a.txt dir/renamed.txt',
  'a directory that was renamed': 'mv dir moved',
  'a directory that was removed': 'rm -r dir',
  'the inside of a directory': 'rm -r dir/*',
  'a directory that was made anew': 'rm -r dir; mkdir dir; echo n >dir/new.txt',
  'a directory that was made anew, with one of its files': 'rm -r dir; mkdir dir; echo inner >dir/inner.txt',
  'a directory inside one that was made anew':
    'rm -r dir; mkdir -p dir/deep/er; echo deeper >dir/deep/er/file.txt; chmod 0 dir/deep/er',
  'an empty directory in the place of a full one': 'rm -r dir/deep; mkdir dir/deep',
  'a file in the place of a directory': 'rm -r dir; echo file >dir',
  'a link in the place of a directory': 'mv dir moved; ln -s moved dir',
  'a link to a place outside, in the place of a directory': `rm -r dir; ln -s "${outside(workspace)}" dir`,
  'a directory in the place of a file': 'rm a.txt; mkdir a.txt; echo in >a.txt/in',
  'an empty directory in the place of a file': 'rm a.txt; mkdir a.txt',
  'a link in the place of a file': 'rm a.txt; ln -s b.txt a.txt',
  'files that changed places': 'mv a.txt c; mv b.txt a.txt; mv c b.txt',
  'a second name of a file': 'ln a.txt c.txt; ln -f b.txt a.txt',
  'a pipe, and one in the place of a file': 'mkfifo dir/pipe; rm a.txt; mkfifo a.txt',
  'repositories inside': 'git init -q dir; mkdir nested; git init -q nested; echo n >nested/file',
  'no git directory': 'rm -rf .git',
  'commits, a branch, and a stash':
    'git checkout -q -b mine; echo c >a.txt; git commit -q -a -m mine; echo s >b.txt; git stash -q; echo more >>dir/inner.txt',
  'an index of its own':
    'git rm -q -r --cached . ; git update-index --add --assume-unchanged a.txt; echo h >a.txt',
  'ignore rules and attributes that hide':
    'echo "*" >.gitignore; echo "* filter=evil working-tree-encoding=UTF-16" >.gitattributes; echo h >hidden; echo l >x.log',
  'ignore rules that were removed': 'rm .gitignore; echo l >x.log; mkdir ignored; echo i >ignored/x',
  'names with line breaks, with bytes that are not UTF-8, and like options':
    'echo 1 >"$(printf "line\\nbreak")"; echo 2 >-rf; echo 3 >"$(printf "caf\\351")"; mkdir "$(printf "\\377")"; echo 4 >"$(printf "\\377")/x"; mv "with space" "with\ttab"',
};

for (const [title, act] of Object.entries(acts)) {
  test(`an overlay gives the patch that an ordinary worktree gives: ${title}`, { skip }, async () => {
    const root = await makeRepository(workspace, user, files);
    await house.prepare(root);
    const patches = [];
    for (const overlay of [true, false]) {
      const worktree = await house.make(root, overlay);
      assert.equal(isOverlaySlot(slotOf(worktree)), overlay);
      house.inside(worktree, ['sh', '-c', act]);
      const { patch, report } = await capture(workspace, worktree, user);
      patches.push({ patch: patch.toString('latin1'), warnings: report.warnings });
      assert.equal(await house.release(worktree, { overlay }), 'removed');
    }
    assert.deepEqual(patches[0], patches[1]);
    // The tree below is as it was: the next job's patch is empty.
    const next = await house.make(root);
    assert.equal(isOverlaySlot(slotOf(next)), true);
    assert.equal((await capture(workspace, next, user)).patch.length, 0);
  });
}

test('a baseline that is not the lower tree is laid over it exactly, and what an agent does to that is seen', {
  skip,
}, async () => {
  const root = await makeRepository(workspace, user, files);
  await house.prepare(root);
  rmSync(join(root, 'dir/deep'), { recursive: true });
  put(root, 'dir/deep', 'now a file\n');
  rmSync(join(root, 'with space'));
  put(root, 'with space/inner', 'now a directory\n');
  put(root, 'only/here.txt', 'new\n');
  chmodSync(join(root, 'run.sh'), 0o755);
  await git(root, user, ['add', '-A']);
  await git(root, user, ['commit', '-q', '-m', 'second']);
  put(root, 'a.txt', 'not committed\n');
  rmSync(join(root, 'b.txt'));
  const patches = [];
  for (const overlay of [true, false]) {
    const worktree = await house.make(root, overlay);
    assert.equal(isOverlaySlot(slotOf(worktree)), overlay);
    const list = join(workspace, `listed-${overlay}`);
    house.inside(worktree, [
      'sh',
      '-c',
      `git status --porcelain; find . -path ./.git -prune -o -printf '%p %y %m %s\\n' | sort >${list}`,
    ]);
    house.inside(worktree, [
      'sh',
      '-c',
      'rm only/here.txt run.sh dir/deep; rm -r "with space"; echo b >b.txt; git checkout -q HEAD~1 -- a.txt || git checkout -q HEAD -- a.txt',
    ]);
    patches.push((await capture(workspace, worktree, user)).patch.toString('latin1'));
    await house.release(worktree, { overlay });
  }
  assert.equal(patches[0], patches[1]);
  assert.match(patches[0] ?? '', /only\/here\.txt/);
  const listed = [true, false].map((overlay) => readFileSync(join(workspace, `listed-${overlay}`), 'latin1'));
  assert.equal(listed[0], listed[1]);
});

const treesOf = (worktree: { path: string }): string[] => {
  const trees = join(worktree.path, '../../../lower');
  return existsSync(trees) ? readdirSync(trees) : [];
};

test('the first ordinary worktree becomes the tree below; it stays while it is used, and two of a repository at most', {
  skip,
}, async () => {
  const root = await makeRepository(workspace, user, files);
  const [first, early] = [await house.make(root), await house.make(root)];
  assert.equal(await house.release(first), 'kept');
  const [oldest] = treesOf(early);
  // The next job of the same time was only too early.
  assert.equal(await house.release(early), 'removed');
  assert.deepEqual(treesOf(early), [oldest]);
  const user1 = await house.make(root);
  const made: string[] = [];
  for (const round of [1, 2]) {
    for (let file = 0; file < 1_100; file += 1) put(root, `many/${round}-${file}`, 'x');
    await git(root, user, ['add', '-A']);
    await git(root, user, ['commit', '-q', '-m', 'many']);
    const far = await house.make(root);
    assert.equal(isOverlaySlot(slotOf(far)), false);
    assert.equal(await house.release(far), 'kept');
    made.push(...treesOf(far).filter((name) => name !== oldest && !made.includes(name)));
  }
  assert.deepEqual(treesOf(user1).sort(), [oldest, ...made].sort());
  house.inside(user1, ['sh', '-c', 'cat a.txt; echo more >>a.txt']);
  assert.match((await capture(workspace, user1, user)).patch.toString(), /\+more/);
  await house.release(user1);
  assert.deepEqual(treesOf(user1).sort(), made.sort());
  const back = await house.make(root, false);
  await house.release(back, { overlay: false });
  assert.deepEqual(treesOf(back).sort(), made.sort());
});

/** What may become of a lower tree, though nothing of ours writes to one. */
const spoils: Record<string, (tree: string) => unknown> = {
  'a file has another content': (tree) => put(tree, 'wt/a.txt', 'two\n'),
  'a file has another content, with all that a disk tells of it as it was': hideRot,
  'there is one file more': (tree) => put(tree, 'wt/dir/added', 'x\n'),
  'there is an empty directory more': (tree) => mkdirSync(join(tree, 'wt/dir/empty')),
  'a directory has another mode': (tree) => chmodSync(join(tree, 'wt/dir/deep'), 0o777),
  'a file is gone': (tree) => rmSync(join(tree, 'wt/run.sh')),
  'its index is gone': (tree) => rmSync(join(tree, 'index')),
};

for (const [title, spoil] of Object.entries(spoils)) {
  test(`a lower tree that is not as it was made serves no further job: ${title}`, { skip }, async () => {
    const root = await makeRepository(workspace, user, files);
    await house.prepare(root);
    const worktree = await house.make(root);
    const [name = ''] = treesOf(worktree);
    await spoil(join(worktree.path, '../../../lower', name));
    await house.release(worktree);
    assert.deepEqual(treesOf(worktree), []);
    const next = await house.make(root);
    assert.equal(isOverlaySlot(slotOf(next)), false);
  });
}

test('a release that meets a fault on its way does not fail: the worktree goes', { skip }, async () => {
  const root = await makeRepository(workspace, user, files);
  await house.prepare(root);
  const worktree = await house.make(root);
  const tree = join(worktree.path, '../../../lower', treesOf(worktree)[0] ?? '');
  put(tree, 'wt/a.txt', 'two\n');
  // Where it is to be noted that the tree is not as it was made, nothing can be written.
  symlinkSync('nowhere/at-all', join(tree, 'spoilt'));
  assert.equal(await house.release(worktree), 'removed');
  assert.equal(existsSync(slotOf(worktree)), false);
});

/** Changes a file, and has the index of the tree say of it what it said before, but for its size and its times. */
async function hideRot(tree: string): Promise<void> {
  const index = join(tree, 'index');
  const environment = { ...user, GIT_INDEX_FILE: index };
  const elsewhere = await makeRepository(workspace, user);
  const inTree = ['--git-dir', join(elsewhere, '.git'), '--work-tree', join(tree, 'wt')];
  const idOf = async () =>
    (await git(join(tree, 'wt'), environment, [...inTree, 'ls-files', '-s', 'a.txt']))
      .toString()
      .split(' ')[1];
  const before = await idOf();
  put(tree, 'wt/a.txt', 'eno\n');
  await git(join(tree, 'wt'), environment, [...inTree, 'update-index', 'a.txt']);
  const after = await idOf();
  const bytes = readFileSync(index);
  Buffer.from(before ?? '', 'hex').copy(bytes, bytes.indexOf(Buffer.from(after ?? '', 'hex')));
  writeFileSync(index, bytes);
  // Later than the file: git believes what it says.
  const later = Date.now() / 1_000 + 10;
  utimesSync(index, later, later);
  const changed = await git(join(tree, 'wt'), environment, [...inTree, 'diff-files', '--name-only']);
  assert.equal(changed.toString(), '');
}

test('what takes an ordinary worktree gets one: git-lfs files and submodules', { skip }, async () => {
  const root = await makeRepository(workspace, user, files);
  await house.prepare(root);
  put(root, '.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
  await git(root, user, ['add', '-A']);
  await git(root, user, ['commit', '-q', '-m', 'rules']);
  const large = await house.make(root);
  assert.equal(isOverlaySlot(slotOf(large)), false);
  // Nor does it become a tree for others.
  assert.equal(await house.release(large), 'removed');
  rmSync(join(root, '.gitattributes'));
  const inner = await makeRepository(root, user, files);
  renameSync(inner, join(root, 'module'));
  await git(root, user, ['add', 'module']);
  const outer = await house.make(root);
  assert.equal(isOverlaySlot(slotOf(outer)), false);
});

test('ignored files that are to come along are laid into an overlay, and are not in its patch', {
  skip,
}, async () => {
  const root = await makeRepository(workspace, user, { ...files, '.worktreeinclude': 'ignored/\n*.log\n' });
  await house.prepare(root);
  put(root, 'ignored/secret', 's\n');
  put(root, 'dir/x.log', 'l\n');
  const worktree = await house.make(root);
  assert.equal(isOverlaySlot(slotOf(worktree)), true);
  house.inside(worktree, [
    'sh',
    '-c',
    'test "$(cat ignored/secret dir/x.log)" = "$(printf "s\\nl")" && echo t >>dir/x.log',
  ]);
  assert.equal((await capture(workspace, worktree, user)).patch.length, 0);
  await house.release(worktree);
});

test('a link to elsewhere in the place of that to the lower tree leads a release nowhere', {
  skip,
}, async () => {
  const root = await makeRepository(workspace, user, files);
  await house.prepare(root);
  const worktree = await house.make(root);
  const { lower, work } = slotLayout(slotOf(worktree));
  const before = snapshot(outside(workspace));
  for (const link of [lower, work]) {
    rmSync(link, { recursive: true });
    symlinkSync(outside(workspace), link);
  }
  assert.equal(await house.release(worktree, { prove: true }), 'removed');
  assert.deepEqual(snapshot(outside(workspace)), before);
});

test('where no overlay can be mounted, a job gets an ordinary worktree and says so', async () => {
  const elsewhere = makeWorkspace();
  const root = await makeRepository(elsewhere, user, files);
  // Where the try would be made, a file is in the way.
  put(elsewhere, 'repositories/overlay', '');
  const lacking = await makeOverlayHouse(elsewhere, user);
  assert.equal(lacking.works, false);
  const worktree = await lacking.make(root);
  assert.match(worktree.warnings.join(), /^Worktrees are no overlays here/);
  assert.equal(isOverlaySlot(slotOf(worktree)), false);
});
