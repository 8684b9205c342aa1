import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileList } from '../../src/git/comparison.js';

const id = '0'.repeat(40);

/** What git writes of so many new files, without the patch. */
function listOf(count: number): Buffer {
  const names = Array.from({ length: count }, (_, at) => `dir/file-${at}`);
  const raw = names.map((name) => `:000000 100644 ${id} ${id} A\0${name}\0`);
  const numbers = names.map((name) => `1\t0\t${name}\0`);
  return Buffer.from([...raw, ...numbers].join(''));
}

test('the list of files ends where the patch begins, wherever the output is cut', () => {
  const output = Buffer.concat([listOf(2), Buffer.from('\0diff --git a b\n')]);
  for (let size = 1; size <= output.length; size += 1) {
    const list = new FileList();
    const patch: Buffer[] = [];
    for (let at = 0; at < output.length; at += size) patch.push(list.take(output.subarray(at, at + size)));
    assert.equal(Buffer.concat(patch).toString(), 'diff --git a b\n');
    assert.deepEqual(
      list.files.map(({ path }) => path),
      ['dir/file-0', 'dir/file-1'],
    );
    assert.equal(list.heldBytes, 0);
  }
});

test('a chunk of a long list costs no more than one of a short list', () => {
  const CHUNK = 4_096;
  const cost = (output: Buffer): number => {
    const list = new FileList();
    const before = process.cpuUsage();
    for (let at = 0; at < output.length; at += CHUNK) list.take(output.subarray(at, at + CHUNK));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / output.length;
  };
  const [short, long] = [listOf(20_000), listOf(320_000)];
  cost(short);
  assert.ok(cost(long) < 8 * Math.max(cost(short), 1e-3));
});
