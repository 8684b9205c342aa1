import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { createMachine } from 'xstate';
import { entryTeller } from '../../src/cli/logs.js';
import { drawSwarm } from '../../src/cli/watch-screen.js';
import { run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import type { JobRow, Opening } from '../../src/inspect/frames.js';
import { jobStates } from '../../src/job/record.js';
import { commandLine, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const execute = promisify(execFile);
const row = (over: Partial<JobRow>): JobRow => ({
  id: '0123456789abcdef0123456789abcdef',
  sequence: 1,
  kind: 'delegate',
  state: 'running',
  ending: null,
  errorCode: null,
  entered: { queued: 0, running: 1_000 },
  attempt: 1,
  deadlineAt: null,
  retryAt: null,
  queuePosition: null,
  events: 0,
  lastEventAt: null,
  usage: null,
  patch: null,
  backend: 'codex-exec',
  label: null,
  workspaceRoot: '/repository',
  groupId: null,
  activity: null,
  ...over,
});

describe('looking on from a terminal', () => {
  let model: ScriptedModel;
  let offshoot: Offshoot;
  let goOn: () => void = () => undefined;

  before(async () => {
    const opened = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    model = await startScriptedModel(async ({ step }) => {
      if (step === 0) return run("printf 'from the \\033[31mcommand\\033[0m\\n'");
      await opened;
      return say('All is done.');
    });
    offshoot = await makeOffshoot({ model });
    await offshoot.start();
  });
  after(async () => {
    await offshoot.remove();
    await model.close();
  });

  const start = (...words: string[]) =>
    spawn(process.execPath, [commandLine, ...words], {
      env: offshoot.environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });

  it('tells a line for each state of each job, and what its agent does as it does it', async () => {
    const id = await offshoot.delegate('task', { label: 'a label' });
    await offshoot.reach(id, 'running');
    const watching = start('watch');
    const following = start('logs', id, '-f');
    const watched = createInterface(watching.stdout)[Symbol.asyncIterator]();
    const followed = createInterface(following.stdout)[Symbol.asyncIterator]();
    assert.match((await watched.next()).value, new RegExp(`^[\\d-]+T\\S+ {2}${id} {2}running {2}a label$`));
    assert.equal((await followed.next()).value, '— The agent begins.');
    assert.match((await followed.next()).value, /^\$ printf 'from the/);
    assert.equal((await followed.next()).value, '  from the command');
    goOn();
    const rest: string[] = [];
    for await (const line of { [Symbol.asyncIterator]: () => followed }) rest.push(line);
    assert.deepEqual(
      rest.map((line) => line.replace(/\d+/g, 'N')),
      ['All is done.', '— The agent is finished. N tokens read, N written.'],
    );
    const states: string[] = [];
    while (states.at(-1) !== 'done') states.push((await watched.next()).value.split('  ')[2] ?? '');
    watching.kill();

    // What is over is told at once, and in the same words.
    const { stdout } = await execute(process.execPath, [commandLine, 'logs', id], {
      env: offshoot.environment,
    });
    assert.match(stdout, /^— The agent begins\.\n\$ printf[^\n]*\n {2}from the command\nAll is done\.\n/);
  });

  it('gives the machine to the editor, and the address of the page', async () => {
    const machine = await execute(process.execPath, [commandLine, 'machine', '--json'], {
      env: offshoot.environment,
    });
    assert.ok('active' in createMachine(JSON.parse(machine.stdout)).states);
    const page = await execute(process.execPath, [commandLine, 'ui', '--no-browser'], {
      env: offshoot.environment,
    });
    assert.match(page.stdout, /^http:\/\/127\.0\.0\.1:\d+\/#token=offshoot_page_[\w-]{43}\n$/);
  });

  it('fits the screen, what works before what waits, and lets no text out of its line', () => {
    const counts = Object.fromEntries(jobStates.map((state) => [state, 0])) as Record<
      JobRow['state'],
      number
    >;
    const opening = { version: '1', limits: { running: 2, runningPerRepository: 2, queued: 9 } } as Opening;
    const jobs = [
      row({ id: 'a'.repeat(32), state: 'done', entered: { queued: 0, done: 9_000 } }),
      row({ id: 'b'.repeat(32), state: 'queued', queuePosition: 1 }),
      row({ id: 'c'.repeat(32), kind: 'review', label: 'two\nlines \x1b[31m', activity: 'x'.repeat(200) }),
      ...Array.from({ length: 9 }, (_, index) => row({ id: String(index).repeat(32), state: 'done' })),
    ];
    const screen = drawSwarm(
      {
        opening,
        counts: { ...counts, running: 1, done: 10 },
        jobs: new Map(jobs.map((job) => [job.id, job])),
      },
      { rows: 10, columns: 60, now: 4_000 },
    );
    assert.equal(screen.length, 9);
    assert.equal(screen[1], 'running 1  done 10');
    assert.match(screen[3] ?? '', /^cccccccc {2}running +3 s {2}review {2}two lines {3}x+$/);
    assert.match(screen[4] ?? '', /^bbbbbbbb {2}queued /);
    assert.equal(screen.at(-1), '… and 7 more');
    assert.ok(screen.every((line) => line.length <= 60));
  });

  it('tells a command once when it begins, and then what it printed', () => {
    const tell = entryTeller();
    const command = { id: '1', kind: 'command' as const, text: 'make', output: '' };
    assert.equal(tell({ ...command, state: 'underway' }), '$ make\n');
    assert.equal(tell({ ...command, state: 'underway' }), '');
    assert.equal(tell({ ...command, output: 'no rule\n', state: 'failed' }), '  (failed)\n  no rule\n');
  });
});
