import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PatchParts } from '../../src/git/patch-parts.js';

/** Takes a patch in chunks of these sizes, and the rest at once. */
function cut(patch: Buffer, sizes: readonly number[], maxBytes: number): (string | null)[] {
  const parts: (string | null)[] = [];
  const cutter = new PatchParts(maxBytes, (part) => parts.push(part?.toString('latin1') ?? null));
  let at = 0;
  for (const size of sizes) {
    cutter.take(patch.subarray(at, at + size));
    at += size;
  }
  cutter.take(patch.subarray(at));
  cutter.end();
  return parts;
}

describe('the parts of a patch', () => {
  it('are the same however the patch comes', () => {
    const line = fc.constantFrom('+a', '-diff --git a/x b/x', ' diff', '@@ -1 +1 @@', '');
    const part = fc.array(line).map((lines) => ['diff --git a/a b/a', ...lines, ''].join('\n'));
    const sizes = fc.array(fc.integer({ min: 0, max: 40 }));
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 5 }),
        sizes,
        fc.integer({ min: 0, max: 60 }),
        (parts, by, most) => {
          const expected = parts.map((each) => (each.length <= most ? each : null));
          assert.deepEqual(cut(Buffer.from(parts.join('')), by, most), expected);
        },
      ),
      { numRuns: 300 },
    );
  });
});
