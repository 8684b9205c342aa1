import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { rememberedSession, type Session } from '../../src/bridge/session.js';
import { refuse } from '../../src/errors.js';
import { afterWaiting, onlyReads, startsWork } from '../../src/ipc/repeatable.js';
import { operations } from '../../src/operations/index.js';

const line = (message: object) => Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
const initialize = line({ id: 0, method: 'initialize', params: {} });
const initialized = line({ method: 'notifications/initialized' });

function greetedSession(now = () => 0): Session {
  const session = rememberedSession(now);
  session.sent(initialize);
  session.received(line({ id: 0, result: {} }));
  session.sent(initialized);
  return session;
}

const introductionOf = (session: Session) => session.introduction().map((each) => JSON.parse(String(each)));
const lostIds = (session: Session, onPurpose = false) =>
  session.lose(onPurpose).map((answer) => JSON.parse(answer).id);
const toolCall = (id: number, name: string, input: object = {}, _meta?: object) =>
  line({ id, method: 'tools/call', params: { name, arguments: input, _meta } });

test('before the client has said anything there is nothing to replay', () => {
  assert.deepEqual(rememberedSession().introduction(), []);
});

test('initialize is replayed under an id of its own, whose answer the client does not see', () => {
  const session = greetedSession();
  const [replay, second] = introductionOf(session);
  assert.equal(replay.method, 'initialize');
  assert.match(replay.id, /^offshoot-[0-9a-f-]{36}$/);
  assert.equal(second.method, 'notifications/initialized');
  assert.equal(session.received(line({ id: replay.id, result: {} })), null);
  const answer = line({ id: 1, result: {} });
  assert.equal(session.received(answer), answer);
});

test('an initialize that was never answered is sent again as it was, to three daemons at most', () => {
  const session = rememberedSession();
  session.sent(initialize);
  for (let daemon = 0; daemon < 3; daemon += 1) {
    assert.ok(session.mayIntroduceAgain());
    assert.deepEqual(lostIds(session, daemon === 1), []);
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
    assert.equal(session.received(other), other);
  }
  session.sent(Buffer.from('[1'));
  assert.ok(!session.answered());
});

test('tools that only read, and those that take an idempotency key, are those that may be called again', () => {
  for (const { tool, annotations, input } of operations) {
    assert.equal(onlyReads(tool), annotations.readOnlyHint, tool);
    assert.equal(
      startsWork(tool),
      !annotations.readOnlyHint && 'idempotency_key' in Object(input).shape,
      tool,
    );
  }
});

test('what only reads is sent to the next daemon as it was, to three at most, and not after a stop', () => {
  const session = greetedSession();
  const wait = toolCall(1, 'codex_job_wait', { job_ids: ['a'] });
  const list = line({ id: 2, method: 'tools/list' });
  for (const request of [wait, list]) assert.equal(session.sent(request), request);
  session.sent(toolCall(3, 'codex_job_consume_result', { job_id: 'a' }));
  assert.deepEqual(lostIds(session), [3]);
  assert.deepEqual(session.introduction().slice(2), [wait, list]);
  session.received(line({ id: 2, result: {} }));
  assert.deepEqual(lostIds(session), []);
  assert.deepEqual(session.introduction().slice(2), [wait]);
  assert.deepEqual(lostIds(session), [1]);
  session.sent(list);
  assert.deepEqual(lostIds(session, true), [2]);
});

test('after a stop, or without another daemon, what only reads is told why, and may be made again', () => {
  const session = greetedSession();
  const told = (answers: string[]) =>
    answers.map((answer) => {
      const { id, error } = JSON.parse(answer);
      return [id, error.data.error.code, error.data.error.temporary];
    });
  const send = () => {
    session.sent(toolCall(1, 'codex_job_wait', { job_ids: ['a'] }));
    session.sent(line({ id: 2, method: 'subscriptions/listen' }));
    session.sent(toolCall(3, 'codex_delegate', { task: 't' }));
    session.sent(toolCall(4, 'codex_job_cancel', { job_id: 'a' }));
  };
  const lost = [3, 4].map((id) => [id, 'answer_lost', false]);
  send();
  assert.deepEqual(told(session.lose(true)), [[1, 'draining', true], [2, 'draining', true], ...lost]);
  send();
  const unavailable = refuse('daemon_unavailable').fault;
  const why = [1, 2].map((id) => [id, 'daemon_unavailable', true]);
  assert.deepEqual(told(session.giveUp(unavailable)), [...why, ...lost]);
});

test('a call that starts work has a key, of its client or of the bridge, and is sent again with it', () => {
  const session = greetedSession();
  const keyed = toolCall(1, 'codex_delegate', { task: 'é', idempotency_key: 'mine' });
  assert.equal(session.sent(keyed), keyed);
  const request = toolCall(2, 'codex_delegate', { task: 'é', label: 'l' }, { progressToken: 7 });
  const sent = session.sent(request);
  const { params, ...rest } = JSON.parse(String(sent));
  const { idempotency_key: key, ...input } = params.arguments;
  assert.match(key, /^[0-9a-f-]{36}$/);
  assert.deepEqual({ ...rest, params: { ...params, arguments: input } }, JSON.parse(String(request)));
  const other = JSON.parse(String(session.sent(toolCall(3, 'codex_delegate', { task: 'é', label: 'l' }))));
  assert.notEqual(other.params.arguments.idempotency_key, key);
  session.received(line({ id: 3, result: {} }));
  assert.deepEqual(lostIds(session), []);
  assert.deepEqual(session.introduction().slice(2), [keyed, sent]);
});

test('a refusal of a call that an earlier daemon may have accepted does not pass for one', () => {
  const answersTo = (input: object, code: string) => {
    const session = greetedSession();
    const answer = line({
      id: 1,
      result: { isError: true, structuredContent: { ok: false, error: { code } } },
    });
    const answered = () => {
      const told = session.received(answer);
      return told === answer ? 'as it was' : JSON.parse(String(told)).error.data.error.code;
    };
    session.sent(toolCall(1, 'codex_delegate', input));
    const first = answered();
    session.sent(toolCall(1, 'codex_delegate', input));
    session.lose(false);
    session.introduction();
    return [first, answered()];
  };
  assert.deepEqual(answersTo({ task: 't' }, 'disk_low'), ['as it was', 'answer_lost']);
  assert.deepEqual(answersTo({ task: 't' }, 'invalid_arguments'), ['as it was', 'as it was']);
  const withKey = { task: 't', idempotency_key: 'mine' };
  assert.deepEqual(answersTo(withKey, 'disk_low'), ['as it was', 'as it was']);
  assert.deepEqual(answersTo(withKey, 'idempotency_conflict'), ['as it was', 'answer_lost']);
});

test('a call whose bytes are no characters goes to the daemon as it is, which refuses it', () => {
  const session = greetedSession();
  const bytes = Buffer.from(String(toolCall(1, 'codex_delegate', { task: '?' })));
  bytes[bytes.indexOf('?')] = 0xff;
  assert.equal(session.sent(bytes), bytes);
  assert.deepEqual(lostIds(session), [1]);
});

test('the progress of a request goes on where it was when a second daemon counts from the start', () => {
  const session = greetedSession();
  const tell = (progressToken: number | undefined, progress: number) => {
    const params = { progressToken, progress, message: 'm' };
    const told = session.received(line({ method: 'notifications/progress', params }));
    return JSON.parse(String(told)).params;
  };
  session.sent(toolCall(1, 'codex_job_list'));
  session.sent(toolCall(2, 'codex_job_wait', {}, { progressToken: 7 }));
  assert.deepEqual(
    [tell(7, 1), tell(7, 2)].map(({ progress }) => progress),
    [1, 2],
  );
  session.lose(false);
  session.introduction();
  assert.deepEqual(tell(7, 1), { progressToken: 7, progress: 3, message: 'm' });
  assert.equal(tell(7, 2).progress, 4);
  assert.equal(tell(undefined, 1).progress, 1);
  session.received(line({ id: 2, result: {} }));
  session.sent(toolCall(3, 'codex_job_wait', {}, { progressToken: 7 }));
  assert.equal(tell(7, 1).progress, 1);
});

test('when there is no other daemon, initialize is told why, and a call that starts work that it may have done so', () => {
  const session = rememberedSession();
  session.sent(initialize);
  session.sent(toolCall(1, 'codex_delegate', { task: 't' }));
  assert.deepEqual(lostIds(session), []);
  const codes = session
    .giveUp(refuse('disk_full').fault)
    .map((answer) => JSON.parse(answer).error.data.error.code);
  assert.deepEqual(codes, ['disk_full', 'answer_lost']);
  assert.ok(session.answered());
});

test('what the client is subscribed to is subscribed to again, and told of once, under ids of its own', () => {
  const session = greetedSession();
  const ask = (id: number, method: string, uri: string, answer: object = { result: {} }) => {
    session.sent(line({ id, method, params: { uri } }));
    session.received(line({ id, ...answer }));
  };
  ask(1, 'resources/subscribe', 'offshoot://jobs/a');
  ask(2, 'resources/subscribe', 'offshoot://jobs/b');
  ask(3, 'resources/subscribe', 'offshoot://jobs/c');
  ask(4, 'resources/subscribe', 'refused', { error: { code: -32602, message: 'no' } });
  ask(5, 'resources/unsubscribe', 'offshoot://jobs/b');
  lostIds(session);
  const again = introductionOf(session).slice(2);
  const uris = again.map(({ method, params }) => [method, params.uri]);
  assert.deepEqual(uris, [
    ['resources/subscribe', 'offshoot://jobs/a'],
    ['resources/subscribe', 'offshoot://jobs/c'],
  ]);
  const told = session.received(line({ id: again[0].id, result: {} }));
  const updated = { method: 'notifications/resources/updated', params: { uri: 'offshoot://jobs/a' } };
  assert.deepEqual(JSON.parse(String(told)), { jsonrpc: '2.0', ...updated });
  const refusal = { code: -32602, message: 'no' };
  assert.equal(session.received(line({ id: again[1].id, error: refusal })), null);
});

test('what listens is asked for again, told of what it may have missed, and not waited for at the end', () => {
  const session = rememberedSession();
  const uri = 'offshoot://jobs/a';
  const listen = line({ id: 'l', method: 'subscriptions/listen', params: {} });
  const _meta = { 'io.modelcontextprotocol/subscriptionId': 'l' };
  const acknowledgement = line({
    method: 'notifications/subscriptions/acknowledged',
    params: { _meta, notifications: { resourceSubscriptions: [uri] } },
  });
  const missed = line({ method: 'notifications/resources/updated', params: { uri, _meta } });
  session.sent(listen);
  assert.equal(session.received(acknowledgement), acknowledgement);
  assert.ok(session.answered());
  for (let daemons = 0; daemons < 4; daemons += 1) {
    assert.deepEqual(lostIds(session), []);
    assert.deepEqual(session.introduction(), [listen]);
    assert.equal(String(session.received(acknowledgement)), `${acknowledgement}\n${missed}`);
  }
  assert.deepEqual(lostIds(session, true), ['l']);
});

test('a wait that is repeated lasts only what is left of its time, or the least that may be asked for', () => {
  let now = 0;
  const session = greetedSession(() => now);
  const waits: Record<string, object> = {
    codex_job_wait: { group_id: 'é', timeout_seconds: 50 },
    codex_consult: { idempotency_key: 'k', timeout_seconds: 40 },
    codex_models: { timeout_seconds: 30 },
  };
  for (const [index, [name, input]] of Object.entries(waits).entries()) {
    session.sent(toolCall(index + 1, name, input));
    session.sent(toolCall(index + 10, name, { ...input, timeout_seconds: undefined }));
  }
  const repeatedAt = (milliseconds: number) => {
    now = milliseconds;
    session.lose(false);
    const lines = introductionOf(session).slice(2);
    return lines.map(({ params }) => params.arguments.timeout_seconds);
  };
  assert.deepEqual(repeatedAt(20_000), [30, 5, 20, 280, 30, undefined]);
  assert.deepEqual(repeatedAt(400_000), [1, 1, 10, 10, 30, undefined]);
});

test('of each tool that waits it is known how long, and what the least is that may be asked for', () => {
  for (const { tool, input } of operations) {
    const field = Object(input).shape.timeout_seconds as z.ZodType | undefined;
    const after = (milliseconds: number) => afterWaiting(tool, {}, milliseconds);
    if (field === undefined) {
      assert.deepEqual(after(1_000_000), {}, tool);
    } else {
      assert.deepEqual(after(1_000), { timeout_seconds: Number(field.parse(undefined)) - 1 }, tool);
      const least = [1, 10].find((seconds) => field.safeParse(seconds).success);
      assert.deepEqual(after(1_000_000), { timeout_seconds: least }, tool);
    }
  }
});
