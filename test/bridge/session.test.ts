import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rememberedSession, type Session } from '../../src/bridge/session.js';
import { refuse } from '../../src/errors.js';

const lost = refuse('daemon_unavailable').fault;
const line = (message: object) => Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
const initialize = line({ id: 0, method: 'initialize', params: {} });
const initialized = line({ method: 'notifications/initialized' });

function greetedSession(): Session {
  const session = rememberedSession();
  session.sent(initialize);
  session.received(line({ id: 0, result: {} }));
  session.sent(initialized);
  return session;
}

const introductionOf = (session: Session) => session.introduction().map((each) => JSON.parse(String(each)));
const lostIds = (session: Session, keep = false) =>
  session.lose(lost, keep).map((answer) => JSON.parse(answer).id);

test('before the client has said anything there is nothing to replay', () => {
  assert.deepEqual(rememberedSession().introduction(), []);
});

test('initialize is replayed under an id of its own, whose answer the client does not see', () => {
  const session = greetedSession();
  const [replay, second] = introductionOf(session);
  assert.equal(replay.method, 'initialize');
  assert.match(replay.id, /^offshoot-[0-9a-f-]{36}$/);
  assert.equal(second.method, 'notifications/initialized');
  assert.equal(session.received(line({ id: replay.id, result: {} })), false);
  assert.equal(session.received(line({ id: 1, result: {} })), true);
});

test('an initialize that was never answered is sent again as it was, to three daemons at most', () => {
  const session = rememberedSession();
  session.sent(initialize);
  for (let daemon = 0; daemon < 3; daemon += 1) {
    assert.ok(session.mayIntroduceAgain());
    assert.deepEqual(lostIds(session, true), []);
    assert.deepEqual(session.introduction(), [initialize]);
  }
  assert.ok(!session.mayIntroduceAgain());
  assert.deepEqual(lostIds(session), [0]);
});

test('only requests without an answer are lost, and they are lost once', () => {
  const session = greetedSession();
  for (const id of [1, '1', 'a']) session.sent(line({ id, method: 'tools/call' }));
  session.received(line({ id: '1', result: {} }));
  assert.deepEqual(lostIds(session), [1, 'a']);
  assert.deepEqual(lostIds(session), []);
  assert.ok(session.answered());
});

test('a cancelled request awaits no answer', () => {
  const session = greetedSession();
  session.sent(line({ id: 1, method: 'tools/call' }));
  session.sent(line({ method: 'notifications/cancelled', params: { requestId: 1 } }));
  assert.ok(session.answered());
});

test("the daemon's own requests, notices and garbage answer nothing", () => {
  const session = greetedSession();
  session.sent(line({ id: 1, method: 'tools/call' }));
  for (const other of [
    line({ id: 1, method: 'roots/list' }),
    line({ method: 'notifications/progress' }),
    Buffer.from('}'),
  ]) {
    assert.ok(session.received(other));
  }
  session.sent(Buffer.from('[1'));
  assert.ok(!session.answered());
});
