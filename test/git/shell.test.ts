import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Command, type CommandEnd, Shell, takeShell } from '../../src/git/shell.js';
import { makeWorkspace } from '../support/git.js';
import { gone } from '../support/gone.js';

const workspace = makeWorkspace();
const PATH = process.env.PATH ?? '';
const shell = new Shell();
after(() => shell.kill());

interface Answer extends CommandEnd {
  output: Buffer;
  errors: string;
}

async function run(command: Partial<Command>, by = shell): Promise<Answer> {
  const [output, errors]: [Buffer[], Buffer[]] = [[], []];
  const end = await by.run(
    { words: ['true'], directory: workspace, environment: { PATH }, ...command },
    (chunk) => output.push(chunk) > 0,
    async (chunk) => errors.push(chunk) > 0,
  );
  return { ...end, output: Buffer.concat(output), errors: Buffer.concat(errors).toString('utf8') };
}

const script = (text: string, ...words: string[]) => ['/bin/sh', '-c', text, 'script', ...words];

test('one shell runs command after command, each with its own output, errors and status', async () => {
  for (let turn = 0; turn < 5; turn += 1) {
    const answer = await run({ words: script(`printf out-${turn}; printf error-${turn} >&2; exit ${turn}`) });
    assert.deepEqual(
      [answer.output.toString(), answer.errors, answer.status],
      [`out-${turn}`, `error-${turn}`, turn],
    );
  }
});

test('every byte of a long output arrives, and none that is not of it', async () => {
  const bytes = Buffer.from(Array.from({ length: 3_000_001 }, (_, index) => (index * 7919) % 256));
  const inputFile = join(workspace, 'long');
  writeFileSync(inputFile, bytes);
  assert.deepEqual((await run({ words: ['cat'], inputFile })).output, bytes);
  assert.equal((await run({ words: ['cat'] })).output.length, 0);
});

test('arguments, directories and values pass whole, whatever is in them', async () => {
  const odd = `a'b"c $HOME \`id\` \\ \n é ; exit 3 # -rf`;
  const answer = await run({
    words: script('printf "%s|%s" "$1" "$ODD"', odd),
    environment: { PATH, ODD: odd },
  });
  assert.equal(answer.output.toString(), `${odd}|${odd}`);
});

test('a program gets the given environment and nothing else', async () => {
  await run({ environment: { PATH, LEFT_BEHIND: 'yes' } });
  const { output } = await run({ words: ['/usr/bin/env'], environment: { PATH, ONE: '1' } });
  const names = output
    .toString()
    .trim()
    .split('\n')
    .map((line) => line.split('=')[0] ?? '');
  // Some shells name the program itself in `_`.
  assert.deepEqual(names.filter((name) => name !== '_').sort(), ['ONE', 'PATH']);
});

test('a missing program and a missing directory are told by the status', async () => {
  assert.equal((await run({ words: ['no-such-program'] })).status, 127);
  const nowhere = await run({ directory: join(workspace, 'nowhere') });
  assert.notEqual(nowhere.status, 0);
  assert.match(nowhere.errors, /nowhere/);
  assert.equal((await run({})).status, 0);
});

test('a shell that is killed takes what it started along, and its run ends', async () => {
  const doomed = new Shell();
  const pidFile = join(workspace, 'pid');
  const running = doomed.run(
    {
      words: script(
        `sleep 600 & echo $! >'${pidFile}'; echo started, and this line is long enough to be handed on; wait`,
      ),
      directory: workspace,
      environment: { PATH },
    },
    () => {
      doomed.kill();
      return true;
    },
    () => true,
  );
  assert.equal((await running).status, null);
  await gone(Number(readFileSync(pidFile, 'utf8')));
});

test('who wants no more output has the command ended', async () => {
  const doomed = new Shell();
  const command = { words: ['yes'], directory: '/', environment: { PATH } };
  const end = await doomed.run(
    command,
    () => false,
    () => true,
  );
  assert.equal(end.status, null);
});

test('an error of whoever takes the output is theirs to handle', async () => {
  const doomed = new Shell();
  const failing = doomed.run(
    { words: ['yes'], directory: '/', environment: { PATH } },
    () => Promise.reject(new Error('No room.')),
    () => true,
  );
  await assert.rejects(failing, /No room/);
});

test('a limit of memory holds for its command and what that starts, and for no later one', async () => {
  const told = async (command: Partial<Command>) =>
    (await run({ words: script("ulimit -d; sh -c 'ulimit -d'"), ...command })).output.toString().split('\n');
  const before = await told({});
  assert.deepEqual(await told({ maxMemoryBytes: 300_000 * 1024 }), ['300000', '300000', '']);
  assert.deepEqual(await told({}), before);
  const inputFile = join(workspace, 'sparse');
  writeFileSync(inputFile, '');
  truncateSync(inputFile, 100_000_000);
  const words = ['sh', '-c', 'cat | tail -c 100000000 | wc -c'];
  assert.equal((await run({ words, inputFile })).output.toString().trim(), '100000000');
  assert.notEqual(
    (await run({ words, inputFile, maxMemoryBytes: 30_000_000 })).output.toString().trim(),
    '100000000',
  );
});

test('a shell that rests is used again; one that ended is not', async () => {
  const first = takeShell();
  await run({}, first);
  first.rest();
  const second = takeShell();
  assert.equal(second, first);
  second.kill();
  second.rest();
  const third = takeShell();
  assert.notEqual(third, second);
  assert.equal((await run({}, third)).status, 0);
  third.kill();
});

test('a shell that died at its command says so, and the next command gets another', async () => {
  const dying = takeShell();
  const answer = await run({ words: script('kill -9 $PPID') }, dying);
  dying.rest();
  assert.equal(answer.status, null);
  const next = takeShell();
  assert.equal((await run({}, next)).status, 0);
  next.kill();
});

test('a shell at rest stays in no directory', async () => {
  const { output } = await run({ words: script('readlink /proc/$PPID/cwd; echo $PPID') });
  const [at, pid] = output.toString().split('\n');
  assert.equal(at, workspace);
  const { output: later } = await run({ words: ['readlink', `/proc/${pid}/cwd`], directory: '/' });
  assert.equal(later.toString().trim(), '/');
});
