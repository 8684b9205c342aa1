import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { commandLine } from '../support/offshoot.js';

const script = (shell: string) =>
  spawnSync(process.execPath, [commandLine, 'completion', shell], { encoding: 'utf8', timeout: 120_000 });

/** What bash would offer after these words. */
function offered(...words: string[]): string[] {
  const line = words.map((word) => `'${word}'`).join(' ');
  const ask = `${script('bash').stdout}
    COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _offshoot; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return spawnSync('bash', ['-c', ask], { encoding: 'utf8' }).stdout.trim().split('\n');
}

describe('completion', () => {
  it('offers the commands, and the flags of each', () => {
    assert.deepEqual(offered('offshoot', 'doct'), ['doctor']);
    assert.deepEqual(offered('offshoot', 'help', 'comp'), ['completion']);
    assert.deepEqual(offered('offshoot', 'delegate', '--base-'), ['--base-ref']);
    assert.deepEqual(offered('offshoot', 'token', '--rev'), ['--revoke']);
  });

  it('prints a script for zsh and for fish too, with every command in it', () => {
    assert.match(script('zsh').stdout, /bashcompinit.*delegate-batch/s);
    assert.match(script('fish').stdout, /-a delegate-batch -d '/);
  });

  it('names the shells it knows when it is asked for another', () => {
    const { status, stderr } = script('tcsh');
    assert.equal(status, 2);
    assert.match(stderr, /bash, zsh, fish/);
  });
});
