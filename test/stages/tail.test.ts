import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openIfThere } from '../../src/stages/proc.js';
import { openTail } from '../../src/stages/tail.js';
import { temporaryDirectory } from '../support/directory.js';

/** More than is read at once, in characters of two and three bytes, so that some lie over an edge. */
const MANY = Array.from({ length: 60_000 }, (_, index) => `line ${index} ä€`);

describe('the tail of a file', () => {
  it('hands on each line whole, with the instant at which the file changed', async () => {
    const { path, remove } = await temporaryDirectory();
    const file = join(path, 'stdout');
    await writeFile(file, `${MANY.join('\n')}\n\nhalf `);
    await utimes(file, 1_000, 1_000);
    const tail = await openTail(file);
    const lines: string[] = [];
    const instants = new Set<number>();
    let next = 0;
    const take = (line: string, at: number, from: number) => {
      lines.push(line);
      instants.add(at);
      next = from;
    };
    try {
      assert.equal(await tail.read(take, 1), false);
      assert.ok(lines.length > 0 && lines.length < MANY.length);
      assert.equal(await tail.read(take), true);
      assert.deepEqual(lines, MANY);
      assert.equal(next, Buffer.byteLength(`${MANY.join('\n')}\n`));
      await appendFile(file, 'ö\nwithout an end');
      await utimes(file, 2_000, 2_000);
      assert.equal(await tail.read(take), true);
      tail.finish(take);
      assert.deepEqual(lines.slice(MANY.length), ['half ö', 'without an end']);
      assert.equal(next, tail.position());
      assert.deepEqual([...instants], [1_000_000, 2_000_000]);
    } finally {
      await tail.close();
      await remove();
    }
  });

  it('is empty where something else is in the place of the file, and nobody waits for it', async () => {
    const { path, remove } = await temporaryDirectory();
    const file = join(path, 'attempt', 'stdout');
    const server = createServer();
    const inItsPlace: Record<string, () => unknown> = {
      nothing: () => undefined,
      'a directory': () => mkdir(file),
      'a named pipe': () => execFileSync('mkfifo', [file]),
      'a socket': () => once(server.listen(file), 'listening'),
      'a link that leads nowhere': () => symlink('nowhere', file),
      'a file where its directory was': async () => {
        await rm(join(path, 'attempt'), { recursive: true });
        await writeFile(join(path, 'attempt'), '');
      },
    };
    try {
      for (const [what, put] of Object.entries(inItsPlace)) {
        await rm(file, { recursive: true, force: true });
        await mkdir(join(path, 'attempt'), { recursive: true });
        await put();
        const tail = await openTail(file);
        assert.equal(await tail.read(assert.fail), true, what);
        await tail.close();
        assert.equal(openIfThere(file), null, what);
      }
    } finally {
      server.close();
      await remove();
    }
  });
});
