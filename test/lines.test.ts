import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Line, lineSplitter, takeLines } from '../src/lines.js';

const textOf = (line: Line) => ('bytes' in line ? line.bytes.toString('utf8') : 'oversized');

function split(chunks: Buffer[], maximumBytes?: number): string[] {
  const splitter = lineSplitter(maximumBytes);
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()].map(textOf);
}

test('lines come out the same wherever the stream is cut', () => {
  const lines = fc.array(
    fc.string({ unit: 'grapheme', minLength: 1 }).filter((line) => !/[\r\n]/.test(line)),
  );
  fc.assert(
    fc.property(lines, fc.array(fc.nat(200)), (expected, cuts) => {
      const whole = Buffer.from(expected.map((line) => `${line}\n`).join(''));
      const borders = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
      const chunks = borders.slice(1).map((border, index) => whole.subarray(borders[index], border));
      assert.deepEqual(split(chunks), expected);
    }),
  );
});

test('a carriage return before the newline and blank lines are left out', () => {
  assert.deepEqual(split([Buffer.from('a\r\n\r\n\n'), Buffer.from('b\r'), Buffer.from('\nc')]), [
    'a',
    'b',
    'c',
  ]);
});

test('a line of exactly the limit passes, one more byte does not, and the next line is whole again', () => {
  const stream = Buffer.from(`${'x'.repeat(10)}\n${'y'.repeat(11)}\nz\n`);
  assert.deepEqual(split([stream], 10), ['x'.repeat(10), 'oversized', 'z']);
});

test('both ends of an oversized line are kept, and no more', () => {
  const splitter = lineSplitter(10);
  const chunks = ['head', 'x'.repeat(100_000), 'y'.repeat(3), 'tail\n'].map((text) => Buffer.from(text));
  const line = chunks.flatMap((chunk) => splitter.push(chunk))[0];
  assert.ok(line !== undefined && 'oversized' in line);
  assert.ok(line.oversized.head.toString().startsWith('headxxx'));
  assert.ok(line.oversized.tail.toString().endsWith('xyyytail'));
  assert.ok(line.oversized.head.length + line.oversized.tail.length <= 8192);
});

test('only a line feed ends a line of text, and the last needs none', async () => {
  const taken: string[] = [];
  const stream = Readable.from([Buffer.from('a\u2028b\u2029c\rd\n'), Buffer.from('e')]);
  takeLines(stream, (line) => taken.push(line));
  await finished(stream);
  assert.deepEqual(taken, ['a\u2028b\u2029c\rd', 'e']);
});
