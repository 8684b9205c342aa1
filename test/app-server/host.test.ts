import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rmdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { findCodex } from '../../src/agents/codex-program.js';
import { Host } from '../../src/app-server/host.js';
import type { HostedJob } from '../../src/app-server/messages.js';
import { hang, say } from '../../src/demo/reply.js';
import { providerConfig, type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { processLayout } from '../../src/job/layout.js';
import { makeTestUser, type TestUser } from '../support/agents.js';
import { appears } from '../support/git-gate.js';

/** JSON holds these as they are, and Node's `readline` cuts at them. */
const SEPARATORS = 'one\u2028two\u2029three';

/** An app-server of a Codex that is not known yet: it tells things in another form, or leaves them out. */
const UNKNOWN = `
const send = (message) => console.log(JSON.stringify(message));
const tell = (method, params) => send({ method, params: { threadId: 'thread', ...params } });
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id !== undefined) send({ id, result: { thread: { id: 'thread', path: null }, turn: { id: 'turn' } } });
  if (method !== 'turn/start') return;
  for (const item of [undefined, { type: 'fileChange', id: 'item' }]) tell('item/completed', { item });
  tell('error', {});
  tell('turn/completed', params.input[0].text === 'half' ? {} : { turn: { id: 'turn', status: 'unknown' } });
});`;

/**
 * An app-server with gates: it answers no `thread/start` until the directory that it is given holds `threads`, and no
 * `turn/start` until that holds `turns`; no turn ends before a thread is deleted. Its log there has each request, with
 * the number of its thread.
 */
const GATED = `
const { appendFileSync, existsSync } = require('node:fs');
const directory = process.argv[1];
const send = (message) => console.log(JSON.stringify(message));
let threads = 0;
let turns = [];
let deleted = false;
const behind = (gate, work) => {
  const opening = setInterval(() => {
    if (!existsSync(directory + '/' + gate)) return;
    clearInterval(opening);
    work();
  }, 5);
};
const finish = () => {
  if (!deleted || !existsSync(directory + '/turns')) return;
  for (const id of turns.splice(0)) {
    send({ method: 'turn/completed', params: { threadId: id, turn: { id: 'turn', status: 'completed' } } });
  }
};
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const threadId = method === 'thread/start' ? String(++threads) : params.threadId;
  if (method.includes('/')) appendFileSync(directory + '/log', method + ' ' + threadId + '\\n');
  const answer = () => send({ id, result: { thread: { id: threadId, path: null }, turn: { id: 'turn' } } });
  if (method === 'thread/delete') deleted = true;
  if (method === 'thread/start') return behind('threads', answer);
  if (method !== 'turn/start') return answer(), finish();
  behind('turns', () => {
    answer();
    turns.push(threadId);
    finish();
  });
});`;

describe('a host', { concurrency: false }, () => {
  let model: ScriptedModel;
  let user: TestUser;
  let command: [string, ...string[]];

  before(async () => {
    model = await startScriptedModel(({ task }) =>
      task === 'hang' ? hang('request') : say(`Done.${task.replace('say', '')}`),
    );
    user = await makeTestUser();
    const program = await findCodex(user.settings);
    assert.ok(program.ok);
    command = [program.value, 'app-server'];
  });
  after(async () => {
    await user.remove();
    await model.close();
  });

  /** A host with a directory of its own; the app-server is a child of this process. */
  async function makeHost(name: string, limits: { runs: number; turns: number }, words = command) {
    const directory = join(user.root, name);
    const home = join(directory, 'codex');
    const temporary = join(directory, 'tmp');
    for (const path of [home, temporary]) await mkdir(path, { recursive: true });
    await writeFile(join(directory, 'process'), '1\ngroup\nboot\nstat\n');
    await writeFile(join(home, 'config.toml'), providerConfig(model.url, 'PATH', 0));
    // A host has an environment of its own; this process has another.
    const own = ['/usr/bin/env', `CODEX_HOME=${home}`, `HOME=${directory}`, `TMPDIR=${temporary}`] as const;
    return new Host({ directory, serverHome: home, command: [...own, ...words], limits });
  }

  async function makeJob(jobId: string, input: string, threadId: string | null = null): Promise<HostedJob> {
    const files = processLayout(join(user.root, jobId));
    await mkdir(files.directory, { recursive: true });
    return {
      jobId,
      files,
      directory: user.worktree,
      writable: [user.worktree],
      home: join(files.directory, 'codex'),
      threadId,
      input,
      model: null,
      effort: null,
      variables: { OFFSHOOT_JOB: jobId },
      hidden: [],
      deadlineAt: Date.now() + 60_000,
    };
  }

  it('takes as many jobs at once as it has room for, and each attempt once', async () => {
    const host = await makeHost('room', { runs: 1, turns: 100 });
    const first = await makeJob('first', 'hang');
    assert.deepEqual(await host.answer({ type: 'take', job: first }), { taken: true });
    assert.match(await readFile(first.files.process, 'utf8'), /^1\ngroup\nboot\nstat\n.*\/room\n$/);
    const second = await makeJob('second', 'say');
    assert.deepEqual(await host.answer({ type: 'take', job: second }), { taken: false });
    await model.requested(1, 'hang');
    const stop = { type: 'stop', directory: first.files.directory, graceMs: 5_000 } as const;
    assert.deepEqual(await host.answer(stop), { taken: true });
    await appears(first.files.directory, 'exit');
    assert.equal(await readFile(first.files.exit, 'utf8'), '143\n');
    assert.deepEqual(await host.answer(stop), { taken: false });
    assert.deepEqual(await host.answer({ type: 'take', job: second }), { taken: true });
    await appears(second.files.directory, 'exit');
    assert.equal(await readFile(second.files.exit, 'utf8'), '000\n');
    const requests = model.requests('say').length;
    assert.deepEqual(await host.answer({ type: 'take', job: second }), { taken: true });
    assert.equal(model.requests('say').length, requests);
    host.leave();
    assert.equal(await host.ended, 0);
  });

  it('does not take a job whose files it cannot write, and goes on with the others', async () => {
    const host = await makeHost('unwritable', { runs: 1, turns: 2 });
    const job = await makeJob('no files', 'say');
    for (const obstacle of [job.files.stderr, `${job.files.process}.new`]) {
      await mkdir(obstacle);
      assert.deepEqual(await host.answer({ type: 'take', job }), { taken: false });
      await rmdir(obstacle);
      assert.deepEqual((await readdir(job.files.directory)).includes('claim'), false);
    }
    assert.deepEqual(await host.answer({ type: 'take', job }), { taken: true });
    await appears(job.files.directory, 'exit');
    assert.equal(await readFile(job.files.exit, 'utf8'), '000\n');
    assert.equal(await host.ended, 0);
  });

  it('takes no more after its turns, ends those it has, and leaves', async () => {
    const host = await makeHost('turns', { runs: 4, turns: 1 });
    const only = await makeJob('only', 'say');
    assert.deepEqual(await host.answer({ type: 'take', job: only }), { taken: true });
    assert.deepEqual(await host.answer({ type: 'take', job: await makeJob('late', 'say') }), {
      taken: false,
    });
    await appears(only.files.directory, 'exit');
    assert.equal(await host.ended, 0);
  });

  it('takes only a line feed for the end of a message, whatever the agent says', async () => {
    const host = await makeHost('separators', { runs: 1, turns: 1 });
    const job = await makeJob('separators', `say ${SEPARATORS}`);
    await host.answer({ type: 'take', job });
    await appears(job.files.directory, 'exit');
    const said = await readFile(job.files.stdout, 'utf8');
    assert.ok(said.includes(`"text":"Done. ${SEPARATORS}"`), said);
    assert.equal(await readFile(job.files.exit, 'utf8'), '000\n');
    assert.equal(await host.ended, 0);
  });

  it('keeps the conversation in the home of the job, and forgets it', async () => {
    const host = await makeHost('threads', { runs: 4, turns: 2 });
    const job = await makeJob('talks', 'say');
    await host.answer({ type: 'take', job });
    await appears(job.files.directory, 'exit');
    const events = (await readFile(job.files.stdout, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      events.map(({ type }) => type),
      ['thread.started', 'turn.started', 'item.completed', 'turn.completed'],
    );
    const thread = events.find(({ type }) => type === 'thread.started').thread_id;
    const again = await makeJob('talks again', 'say', thread);
    // The rollout lies in the home of the job that began it.
    again.home = job.home;
    await host.answer({ type: 'take', job: again });
    await appears(again.files.directory, 'exit');
    assert.equal(await readFile(again.files.exit, 'utf8'), '000\n');
    const left = await readdir(join(user.root, 'threads', 'codex', 'sessions'), { recursive: true });
    assert.deepEqual(
      left.filter((name) => name.endsWith('.jsonl')),
      [],
    );
    assert.equal(await host.ended, 0);
  });

  it('keeps the conversation also where its directory lies below a link', async () => {
    await mkdir(join(user.root, 'linked real'));
    await symlink('linked real', join(user.root, 'linked'));
    const host = await makeHost('linked/threads', { runs: 4, turns: 2 });
    const job = await makeJob('talks below a link', 'say');
    await host.answer({ type: 'take', job });
    await appears(job.files.directory, 'exit');
    const kept = await readdir(join(job.home, 'sessions'), { recursive: true });
    const [thread = ''] = kept.flatMap((name) => /-([0-9a-f-]{36})\.jsonl$/.exec(name)?.[1] ?? []);
    const again = await makeJob('talks again below a link', 'say', thread);
    again.home = job.home;
    await host.answer({ type: 'take', job: again });
    await appears(again.files.directory, 'exit');
    assert.equal(await readFile(again.files.exit, 'utf8'), '000\n');
    assert.equal(await host.ended, 0);
  });

  it('goes on where its app-server tells things in a form that is not known, and takes no such turn for a good one', async () => {
    const host = await makeHost('unknown', { runs: 1, turns: 2 }, [process.execPath, '-e', UNKNOWN]);
    for (const input of ['whole', 'half']) {
      const job = await makeJob(`unknown ${input}`, input);
      assert.deepEqual(await host.answer({ type: 'take', job }), { taken: true });
      await appears(job.files.directory, 'exit');
      assert.equal(await readFile(job.files.exit, 'utf8'), '001\n');
    }
    assert.equal(await host.ended, 0);
  });

  it('ends a job before it starts others, and starts no turn for one that is to end', async () => {
    const jobs = 40;
    const outstanding = 32;
    const directory = join(user.root, 'gated');
    const host = await makeHost('gated', { runs: jobs, turns: jobs }, [
      process.execPath,
      '-e',
      GATED,
      directory,
    ]);
    const all: HostedJob[] = [];
    for (let number = 1; number <= jobs; number += 1) {
      const job = await makeJob(`gated ${number}`, 'wait');
      assert.deepEqual(await host.answer({ type: 'take', job }), { taken: true });
      all.push(job);
    }
    const log = async () => (await readFile(join(directory, 'log'), 'utf8').catch(() => '')).split('\n');
    const asked = async (method: string) => (await log()).filter((line) => line.startsWith(method)).length;
    // The others stand in line by now, before any turn.
    while ((await asked('thread/start')) < outstanding) await delay(10);
    await writeFile(join(directory, 'threads'), '');
    while ((await asked('turn/start')) < outstanding) await delay(10);
    const stopped = all.pop() as HostedJob;
    await host.answer({ type: 'stop', directory: stopped.files.directory, graceMs: 5_000 });
    await writeFile(join(directory, 'turns'), '');
    for (const { files } of [stopped, ...all]) await appears(files.directory, 'exit');
    assert.equal(await readFile(stopped.files.exit, 'utf8'), '143\n');
    for (const { files } of all) assert.equal(await readFile(files.exit, 'utf8'), '000\n');
    const told = await log();
    assert.equal(told[jobs + outstanding], `thread/backgroundTerminals/clean ${jobs}`);
    assert.equal(await asked('turn/start'), jobs - 1);
    assert.equal(await host.ended, 0);
  });

  it('whose app-server does not come up tells its jobs what that said', async () => {
    const host = await makeHost('broken', { runs: 4, turns: 100 }, [...command, '--no-such-option']);
    const job = await makeJob('told', 'say');
    await host.answer({ type: 'take', job });
    assert.equal(await host.ended, 1);
    assert.match(await readFile(job.files.stderr, 'utf8'), /^error: unexpected argument/m);
    assert.notEqual(await readFile(job.files.exit, 'utf8'), '000\n');
  });
});
