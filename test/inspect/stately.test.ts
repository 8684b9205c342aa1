import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createWebSocketReceiver } from '@statelyai/inspect';
import { type ClientOptions, WebSocket } from 'ws';
import { run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { pageOf } from '../support/browser.js';
import { ask } from '../support/http.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

const TASK = 'words that stay here';
const LABEL = 'a label that stays here';

interface Seen {
  type: string;
  sessionId: string;
  definition?: string;
  snapshot?: { value: string | { active: string } };
}

describe("Stately's inspection protocol", () => {
  let model: ScriptedModel;
  let offshoot: Offshoot;
  let goOn: () => void = () => undefined;

  before(async () => {
    const opened = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    model = await startScriptedModel(async ({ task, step }) => {
      if (step === 0) return run('echo two > a.txt');
      if (task !== 'waits') return say('Words of the agent.');
      await opened;
      return say('Done.');
    });
    offshoot = await makeOffshoot({ model });
    await offshoot.start();
  });
  after(async () => {
    await offshoot.remove();
    await model.close();
  });

  async function receive() {
    const { url, token } = await pageOf(offshoot);
    const messages: Seen[] = [];
    let wake = () => {};
    const server = `${url.replace(/^http/, 'ws')}inspect?token=${token}`;
    createWebSocketReceiver({ server }).subscribe((message) => {
      messages.push(message as Seen);
      wake();
    });
    /** The states a job was seen in, in order. */
    const statesOf = (id: string) =>
      messages
        .filter(({ sessionId, snapshot }) => sessionId === id && snapshot !== undefined)
        .map(({ snapshot }) =>
          typeof snapshot?.value === 'object' ? snapshot.value.active : snapshot?.value,
        )
        .filter((state, index, all) => state !== all[index - 1]);
    return {
      messages,
      async path(id: string, last: string) {
        while (statesOf(id).at(-1) !== last) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        return statesOf(id);
      },
    };
  }

  const wholePath = ['queued', 'worktree', 'running', 'diffing', 'done'];

  it("lets the package's own receiver read the life of a job, and nothing that was said in it", async () => {
    const receiver = await receive();
    const id = await offshoot.delegate(TASK, { label: LABEL });
    assert.deepEqual(await receiver.path(id, 'done'), wholePath);
    const [first] = receiver.messages.filter(({ sessionId }) => sessionId === id);
    assert.equal(first?.type, '@xstate.actor');
    assert.ok('active' in JSON.parse(first?.definition ?? '').states);
    const everything = JSON.stringify(receiver.messages);
    for (const secret of [TASK, LABEL, 'Words of the agent', offshoot.repository, 'echo two']) {
      assert.ok(!everything.includes(secret), secret);
    }
  });

  it('tells the same of a job that was taken up again after the daemon was killed', async () => {
    const id = await offshoot.delegate('waits');
    await offshoot.reach(id, 'running');
    await offshoot.kill();
    await offshoot.start();
    const receiver = await receive();
    assert.deepEqual(await receiver.path(id, 'running'), wholePath.slice(0, 3));
    goOn();
    assert.deepEqual(await receiver.path(id, 'done'), wholePath);
  });

  it('gives nothing to another origin, another host, or without a token', async () => {
    const { url, token } = await pageOf(offshoot);
    const socket = `${url.replace(/^http/, 'ws')}inspect`;
    const good = `${socket}?token=${token}`;
    const own = new URL(url).origin;
    assert.equal(await statusOf(good, { origin: own }), 101);
    assert.equal(await statusOf(good, { origin: 'https://evil.example' }), 403);
    assert.equal(await statusOf(good, { origin: 'null' }), 403);
    assert.equal(await statusOf(good, { headers: { host: 'evil.example' } }), 403);
    assert.equal(await statusOf(socket, {}), 401);
    assert.equal(await statusOf(`${socket}?token=${token}x`, {}), 401);
    assert.equal(await statusOf(`${url.replace(/^http/, 'ws')}elsewhere?token=${token}`, {}), 404);
    assert.equal(await statusOf(`${url.replace(/^http/, 'ws')}/`, {}), 401);

    const authorization = `Bearer ${token}`;
    const status = async (path: string, headers: Record<string, string>) =>
      (await ask(`${url}${path}`, { method: 'GET', headers })).status;
    for (const path of ['api/feed', 'metrics', 'api/jobs/00000000000000000000000000000000']) {
      assert.equal(await status(path, {}), 401);
      assert.equal(await status(path, { authorization, origin: 'https://evil.example' }), 403);
      assert.equal(await status(path, { authorization, host: 'evil.example' }), 403);
    }
    assert.equal(await status('', { origin: 'https://evil.example' }), 403);
    assert.equal(await status('', { host: 'evil.example' }), 403);
    assert.equal(await status('../package.json', { authorization }), 404);
  });
});

/** The status that a WebSocket's handshake was answered with. */
function statusOf(address: string, options: ClientOptions): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(address, options);
    socket.on('upgrade', ({ statusCode = 0 }) => resolve(statusCode));
    socket.on('unexpected-response', (_, { statusCode = 0 }) => resolve(statusCode));
    socket.on('open', () => socket.terminate());
    socket.on('error', () => undefined);
  });
}
