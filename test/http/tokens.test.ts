import assert from 'node:assert/strict';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ensureToken, nameOfToken, revokeToken } from '../../src/http/tokens.js';
import { temporaryDirectory } from '../support/directory.js';

describe('a bearer token', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  before(async () => {
    directory = await temporaryDirectory();
  });
  after(() => directory.remove());

  it('counts until its file is removed, and one that is made anew is another', () => {
    const stateDir = directory.path;
    const token = ensureToken(stateDir, 'ci');
    for (let time = 0; time < 3; time += 1) assert.equal(nameOfToken(stateDir, token), 'ci');
    assert.equal(nameOfToken(stateDir, `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`), null);
    assert.ok(revokeToken(stateDir, 'ci'));
    assert.equal(nameOfToken(stateDir, token), null);
    const anew = ensureToken(stateDir, 'ci');
    assert.equal(nameOfToken(stateDir, token), null);
    assert.equal(nameOfToken(stateDir, anew), 'ci');
  });

  it('counts no more once another was written into its file, even if that looks as old', () => {
    const stateDir = directory.path;
    const path = join(stateDir, 'tokens', 'by-hand');
    const [old, young] = ['A', 'B'].map((letter) => `offshoot_by-hand_${letter.repeat(43)}`) as [
      string,
      string,
    ];
    const write = (token: string) => {
      writeFileSync(path, `${token}\n`);
      utimesSync(path, 1, 1);
    };
    write(old);
    assert.equal(nameOfToken(stateDir, old), 'by-hand');
    write(young);
    assert.equal(nameOfToken(stateDir, old), null);
    assert.equal(nameOfToken(stateDir, young), 'by-hand');
  });
});
