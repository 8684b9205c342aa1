import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readPatchPage } from '../../src/operations/patch-page.js';
import { lastingDirectory } from '../support/directory.js';

const file = join(lastingDirectory(), 'patch');

function keep(patch: Buffer) {
  writeFileSync(file, patch);
  return { bytes: patch.length, sha256: createHash('sha256').update(patch).digest('hex') };
}

/** Every page of a patch, as its bytes and as it was told. */
async function readPages(patch: Buffer) {
  const report = keep(patch);
  const pages = [];
  for (let offset: number | null = 0; offset !== null; ) {
    const page = await readPatchPage(file, report, offset);
    assert.ok(page.ok);
    const { text, encoding, next } = page.value;
    pages.push({ text, encoding, bytes: Buffer.from(text, encoding === 'base64' ? 'base64' : 'utf8') });
    offset = next;
  }
  return pages;
}

const joined = (pages: Awaited<ReturnType<typeof readPages>>) =>
  Buffer.concat(pages.map(({ bytes }) => bytes));

describe('a page of a patch', () => {
  it('is the only one and empty for an empty patch', async () => {
    assert.deepEqual(await readPages(Buffer.alloc(0)), [
      { text: '', encoding: 'utf-8', bytes: Buffer.alloc(0) },
    ]);
  });

  it('ends at a line break', async () => {
    const pages = await readPages(Buffer.from('+one line of a patch\n'.repeat(10_000)));
    assert.ok(pages.length > 3);
    for (const { text } of pages) assert.ok(text.endsWith('\n'));
  });

  it('never splits a character of many bytes where there is no line break', async () => {
    for (const shift of [0, 1, 2, 3]) {
      const patch = Buffer.from('x'.repeat(shift) + '€😀ß'.repeat(20_000));
      const pages = await readPages(patch);
      assert.ok(pages.length > 2);
      assert.deepEqual(new Set(pages.map(({ encoding }) => encoding)), new Set(['utf-8']));
      assert.ok(joined(pages).equals(patch));
    }
  });

  it('is base64 where it is not UTF-8, and only there', async () => {
    const latin = Buffer.concat([Buffer.from('+caf'), Buffer.from([0xe9, 0x0a])]);
    const patch = Buffer.concat([latin, Buffer.from('+plain line\n'.repeat(10_000))]);
    const pages = await readPages(patch);
    assert.equal(pages[0]?.encoding, 'base64');
    assert.equal(pages[1]?.encoding, 'utf-8');
    assert.ok(joined(pages).equals(patch));
  });

  it('is small enough once it stands in JSON, whatever it holds', async () => {
    const patch = Buffer.alloc(200_000, 1);
    const pages = await readPages(patch);
    for (const { text } of pages) assert.ok(JSON.stringify(text).length <= 64 * 1024);
    assert.ok(joined(pages).equals(patch));
  });

  it('joins with the others to a patch of 1 MB, byte for byte', async () => {
    const patch = Buffer.from(
      Array.from({ length: 40_000 }, (_, line) => `+line ${line} of ünïcode\r\n`).join(''),
    );
    assert.ok(patch.length > 1_000_000);
    assert.ok(joined(await readPages(patch)).equals(patch));
  });

  it('joins with the others to any patch', async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: 'binary', maxLength: 300 }).map((text) => Buffer.from(text)),
      fc.constant(Buffer.from('\n')),
    );
    const patches = fc
      .tuple(fc.array(piece, { minLength: 1, maxLength: 20 }), fc.integer({ min: 1, max: 60 }))
      .map(([pieces, times]) => Buffer.concat(Array.from({ length: times }, () => Buffer.concat(pieces))));
    await fc.assert(
      fc.asyncProperty(patches, async (patch) => joined(await readPages(patch)).equals(patch)),
      { numRuns: 150 },
    );
  });

  it('is refused when the kept patch is missing, short or another one', async () => {
    const patch = Buffer.from('+line\n'.repeat(20_000));
    const report = keep(patch);
    const codeOf = async (path: string, offset: number) => {
      const page = await readPatchPage(path, report, offset);
      return page.ok ? null : page.fault.code;
    };
    assert.equal(await codeOf(`${file}-gone`, 0), 'result_unreadable');
    writeFileSync(file, patch.subarray(1));
    assert.equal(await codeOf(file, 60_000), 'result_unreadable');
    writeFileSync(file, Buffer.alloc(patch.length, 0x2b));
    assert.equal(await codeOf(file, 0), 'result_unreadable');
    assert.equal(await codeOf(file, patch.length - 10), 'result_unreadable');
  });
});

describe('a border', () => {
  const hunk = (lines: number) => `@@ -1,${lines} +1,${lines} @@\n${'+a line of the patch\n'.repeat(lines)}`;
  const file = (name: string, ...hunks: string[]) => `diff --git a/${name} b/${name}\n${hunks.join('')}`;

  it('of a file is where a page ends, when one is near', async () => {
    const patch = Buffer.from(
      file('a', hunk(1_500)) + file('b', hunk(600), hunk(700)) + file('c', hunk(2_000)),
    );
    const pages = await readPages(patch);
    assert.ok(joined(pages).equals(patch));
    assert.match(pages[1]?.text ?? '', /^diff --git a\/b/);
    assert.match(pages[2]?.text ?? '', /^diff --git a\/c/);
  });

  it('of a hunk is, when no file begins near', async () => {
    const patch = Buffer.from(file('a', hunk(1_500), hunk(1_500)));
    const pages = await readPages(patch);
    assert.ok(joined(pages).equals(patch));
    assert.match(pages[1]?.text ?? '', /^@@ /);
  });
});
