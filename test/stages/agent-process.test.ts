import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type AgentProcess, isAlive } from '../../src/stages/agent-process.js';

const ROOM = 20;

function hasPrlimit(): string | false {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'There is no prlimit on this machine.';
  }
}

describe('an agent', { skip: hasPrlimit() }, () => {
  it('that lives is not taken for dead when no file can be opened to look at it', async () => {
    const child = spawn('sleep', ['600'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const agent: AgentProcess = {
      pid,
      containment: 'group',
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      startTime: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '',
      place: null,
    };
    const opened: number[] = [];
    const limit = readdirSync('/proc/self/fd').length + ROOM;
    execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${limit}:`]);
    try {
      assert.throws(
        () => {
          for (;;) opened.push(openSync('/dev/null', 'r'));
        },
        { code: 'EMFILE' },
      );
      assert.equal(isAlive(agent), true);
    } finally {
      for (const file of opened) closeSync(file);
      child.kill('SIGKILL');
    }
    await once(child, 'exit');
    assert.equal(isAlive(agent), false);
  });
});
