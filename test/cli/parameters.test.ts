import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Command, jsonFlag } from '../../src/cli/command.js';
import { commands } from '../../src/cli/commands.js';
import { flagsOf } from '../../src/cli/flags.js';
import { generalHelp, helpFor } from '../../src/cli/help.js';
import { parseParameters } from '../../src/cli/parameters.js';
import { errorTable } from '../../src/errors.js';
import { nearest } from '../../src/nearest.js';
import { delegateAsync } from '../../src/operations/delegate-async.js';
import { jobList } from '../../src/operations/job-list.js';

const command: Command = {
  name: 'list',
  parameters: 'JOB...',
  summary: '',
  words: { atLeast: 1, atMost: 2 },
  flags: [...flagsOf(jobList.input, []), jsonFlag],
  run: async () => 0,
};

const messageOf = (...parameters: string[]) => {
  const parsed = parseParameters(command, parameters);
  return parsed.ok ? null : parsed.message;
};

describe('the parameters of a command', () => {
  it('are words and flags in any order', () => {
    assert.deepEqual(parseParameters(command, ['a', '--json', '--limit', '5', '--label=x y', 'b']), {
      ok: true,
      words: ['a', 'b'],
      flags: { json: true, limit: 5, label: 'x y' },
    });
  });

  it('may begin with a dash after --, or as the value of a flag after =', () => {
    assert.deepEqual(parseParameters(command, ['--label=--json', '--', '--limit']), {
      ok: true,
      words: ['--limit'],
      flags: { label: '--json' },
    });
  });

  it('may be numbers below zero', () => {
    const parsed = parseParameters({ ...command, flags: flagsOf(delegateAsync.input, ['task']) }, [
      '--priority',
      '-3',
      'task',
    ]);
    assert.deepEqual(parsed, { ok: true, words: ['task'], flags: { priority: -3 } });
  });

  it('may name a directory from where one is', () => {
    const parsed = parseParameters(command, ['--workspace-root', 'below', 'a']);
    assert.deepEqual(parsed, {
      ok: true,
      words: ['a'],
      flags: { workspace_root: join(process.cwd(), 'below') },
    });
  });

  it('give a list where the flag of one is repeated', () => {
    const flags = flagsOf(delegateAsync.input, ['task']);
    const given = ['--extra-args', '-c', '--extra-args=model_verbosity=low', 'task'];
    assert.deepEqual(parseParameters({ ...command, flags }, given), {
      ok: true,
      words: ['task'],
      flags: { extra_args: ['-c', 'model_verbosity=low'] },
    });
  });

  it('are refused with a hint when a flag is unknown', () => {
    assert.equal(messageOf('a', '--limt', '5'), 'list has no such flag; did you mean --limit?');
    assert.equal(messageOf('a', '--zzzzzz'), 'list has no such flag.');
    assert.equal(messageOf('a', '-l'), 'list has no such flag.');
  });

  it('are refused when a value is missing, is none, or is no number', () => {
    assert.equal(messageOf('a', '--limit'), '--limit needs a value.');
    assert.equal(messageOf('a', '--label', '--json'), '--label needs a value.');
    assert.equal(messageOf('a', '--limit', '1.5'), '--limit needs a whole number.');
    assert.equal(messageOf('a', '--json=1'), '--json takes no value.');
  });

  it('are refused when there are too few or too many words', () => {
    assert.equal(messageOf(), 'list needs JOB....');
    assert.match(messageOf('a', 'b', 'c') ?? '', /more words/);
  });
});

describe('the nearest word', () => {
  it('is found over a slip of the finger, and is none for another word', () => {
    const names = ['delegate', 'status', 'result', 'patch', 'wait'];
    assert.equal(nearest('delegat', names), 'delegate');
    assert.equal(nearest('statsu', names), 'status');
    assert.equal(nearest('wiat', names), 'wait');
    assert.equal(nearest('frobnicate', names), null);
    assert.equal(nearest('x'.repeat(100_000), names), null);
  });
});

describe('the help', () => {
  it('names every command, and every flag of each with what it means', () => {
    const help = generalHelp(commands);
    for (const each of commands) {
      assert.ok(help.includes(`  ${each.name}`), each.name);
      const own = helpFor(each);
      for (const flag of each.flags) {
        assert.ok(own.includes(`--${flag.name}`), flag.name);
        assert.ok(flag.description.length > 0, flag.name);
      }
    }
    assert.match(help, /Exit codes: 0 .*; 1 .*; 2 /);
  });

  it('fits 80 columns', () => {
    for (const line of generalHelp(commands).split('\n')) assert.ok(line.length <= 80, line);
  });
});

describe('the help of every command', () => {
  for (const each of commands) {
    it(`${each.name}: fits 80 columns, names commands instead of tools, and explains every flag`, () => {
      const help = helpFor(each);
      assert.deepEqual(
        help.split('\n').filter((line) => line.length > 80),
        [],
      );
      const words = help.match(/\bcodex_\w+/g) ?? [];
      assert.deepEqual(
        words.filter((word) => !(word in errorTable)),
        [],
      );
      assert.doesNotMatch(help, /\bAs (there|`offshoot )/);
    });
  }
});
