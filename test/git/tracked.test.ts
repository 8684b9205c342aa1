import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noAdditions } from '../../src/git/additions.js';
import { sortTracked, type TrackedFiles } from '../../src/git/tracked.js';

/** The files of an index that holds just these. */
function filesOf(paths: readonly string[]): TrackedFiles {
  const listing = { paths: () => paths.toSorted(), odd: () => [], named: () => [], tree: null, read: null };
  return sortTracked(listing, noAdditions).files;
}

test('the files below a directory are found, and no others whose names begin like its own', () => {
  const files = filesOf(['a', 'd/f', 'd/g/h', 'd-/f', 'd.txt', 'd0', 'e/d/f', '\xff/f']);
  assert.deepEqual(files.below('d'), ['d/f', 'd/g/h']);
  assert.deepEqual(files.below('d/g'), ['d/g/h']);
  assert.deepEqual(files.below('\xff'), ['\xff/f']);
  for (const directory of ['a', 'b', 'd/f', 'g', '']) assert.deepEqual(files.below(directory), []);
});

test('the files below each of many directories are found with little processor time', () => {
  const directories = Array.from({ length: 30_000 }, (_, number) => `directory-${number}`);
  const files = filesOf(directories.map((directory) => `${directory}/file`));
  const before = process.cpuUsage();
  for (const directory of directories) assert.equal(files.below(directory).length, 1);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 5_000_000, `${user + system} µs`);
});
