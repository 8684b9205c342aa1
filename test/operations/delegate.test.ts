import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Outcome, refuse } from '../../src/errors.js';
import { argumentsHash } from '../../src/operations/arguments-hash.js';
import { consultAsync } from '../../src/operations/consult-async.js';
import { delegate } from '../../src/operations/delegate.js';
import { delegateAsync } from '../../src/operations/delegate-async.js';
import { delegateBatch } from '../../src/operations/delegate-batch.js';
import { jobWait } from '../../src/operations/job-wait.js';
import { lastingDirectory } from '../support/directory.js';
import { makeCall, makeRecord, notReady, temporaryRepository } from '../support/operations.js';

const repository = temporaryRepository();
const parse = (input: Record<string, unknown>) => delegateAsync.input.parse({ task: 'do it', ...input });

async function refusal(input: Record<string, unknown>, call = makeCall()) {
  const outcome = await delegateAsync.handle(parse(input), call);
  assert.ok(!outcome.ok);
  assert.deepEqual(call.house.supervisor.requests, [], 'nothing was submitted');
  return outcome.fault;
}

describe('codex_delegate_async', () => {
  it('answers a handle whose follow-up can be called as it stands', async () => {
    const call = makeCall();
    const outcome = await delegateAsync.handle(parse({ workspace_root: repository, label: 'mine' }), call);
    assert.ok(outcome.ok);
    const handle = delegateAsync.output.parse(outcome.value);
    assert.equal(handle.status, 'queued');
    assert.equal(handle.queue_position, 1);
    assert.equal(handle.replayed, false);
    assert.equal(handle.follow_up.tool, jobWait.tool);
    assert.ok(jobWait.input.safeParse(handle.follow_up.arguments).success);
    const [request] = call.house.supervisor.requests;
    assert.equal(request?.task, 'do it');
    assert.equal(request?.submission.workspaceRoot, repository);
    assert.equal(request?.submission.repository, join(repository, '.git'));
    assert.equal(request?.submission.deadlineSeconds, call.house.settings.deadlineSeconds);
  });

  it("takes the client's directory when none is named", async () => {
    const inside = join(repository, 'inside');
    mkdirSync(inside, { recursive: true });
    const call = makeCall({ defaultWorkspace: async () => inside });
    assert.ok((await delegateAsync.handle(parse({}), call)).ok);
    assert.equal(call.house.supervisor.requests[0]?.submission.subdirectory, 'inside');
    assert.equal((await refusal({})).code, 'invalid_workspace_root');
  });

  it('refuses what cannot become a job, the cheapest reason first, and submits nothing', async () => {
    const stopping = makeCall({}, { draining: () => true, preflight: notReady });
    const broken = makeCall({}, { preflight: notReady, checkDisk: async () => refuse('disk_low') });
    const full = makeCall({}, { checkDisk: async () => refuse('disk_low') });
    const elsewhere = lastingDirectory();
    assert.equal(
      (await refusal({ task: ' \n\t', workspace_root: elsewhere }, stopping)).code,
      'invalid_arguments',
    );
    assert.equal((await refusal({ task: 'ä'.repeat(100_001) }, stopping)).code, 'input_too_large');
    assert.equal((await refusal({ task: 'a\0b' }, stopping)).code, 'invalid_arguments');
    assert.equal((await refusal({ workspace_root: 'relative' }, stopping)).code, 'invalid_workspace_root');
    assert.equal((await refusal({ workspace_root: elsewhere }, stopping)).code, 'not_a_git_repo');
    assert.equal((await refusal({ workspace_root: repository }, stopping)).code, 'draining');
    assert.equal((await refusal({ workspace_root: repository }, broken)).code, 'codex_not_found');
    assert.equal((await refusal({ workspace_root: repository }, full)).code, 'disk_low');
  });

  it('refuses nothing for its house that was started before', async () => {
    const call = makeCall({}, { preflight: notReady });
    call.house.supervisor.put(makeRecord('a', 'running', {}, { idempotencyKey: 'known' }));
    const fault = await refusal({ workspace_root: repository, idempotency_key: 'new' }, call);
    assert.equal(fault.code, 'codex_not_found');
    const known = parse({ workspace_root: repository, idempotency_key: 'known' });
    assert.ok((await delegateAsync.handle(known, call)).ok);
  });

  it('refuses a new call for the configured backend, and none that another one accepted', async () => {
    const call = makeCall();
    Object.assign(call.house.settings, { backend: 'command', command: 'true' });
    const place = { workspaceRoot: repository, repository: join(repository, '.git') };
    const { id } = call.house.supervisor.put(makeRecord('a', 'done', {}, place));
    const patch = { bytes: 0, sha256: '' };
    const continues = { jobId: id, baselineCommit: 'c0ffee', patch, threadId: 'thread', threadUsage: null };
    const followUp = { ...place, continues, idempotencyKey: 'follow-up' };
    call.house.supervisor.put(makeRecord('b', 'running', {}, followUp));
    call.house.supervisor.put(makeRecord('c', 'running', {}, { ...place, idempotencyKey: 'question' }));
    const goOn = (idempotency_key: string) =>
      delegateAsync.handle(parse({ continues: id, idempotency_key }), call);
    const ask = (idempotency_key: string) => {
      const asked = { question: 'Why?', workspace_root: repository, idempotency_key };
      return consultAsync.handle(consultAsync.input.parse(asked), call);
    };
    const codeOf = (outcome: Outcome<unknown>) => (outcome.ok ? 'accepted' : outcome.fault.code);
    assert.equal(codeOf(await goOn('new')), 'cannot_continue');
    assert.equal(codeOf(await goOn('follow-up')), 'accepted');
    assert.equal(codeOf(await ask('new')), 'backend_unsupported');
    assert.equal(codeOf(await ask('question')), 'accepted');
  });

  it('finds the place of a call that is repeated where the first call found it, also when it was moved', async () => {
    const moved = join(lastingDirectory(), 'moved');
    const submission = { idempotencyKey: 'known', workspaceRoot: moved, repository: join(moved, '.git') };
    const startsAt = async (input: object, defaultWorkspace: string | null = null) => {
      const call = makeCall({ defaultWorkspace: async () => defaultWorkspace });
      call.house.supervisor.put(makeRecord('a', 'running', {}, submission));
      const outcome = await delegateAsync.handle(parse({ idempotency_key: 'known', ...input }), call);
      return outcome.ok ? call.house.supervisor.requests[0]?.submission.workspaceRoot : outcome.fault.code;
    };
    assert.equal(await startsAt({ workspace_root: moved }), moved);
    assert.equal(await startsAt({}, moved), moved);
    assert.equal(await startsAt({ workspace_root: moved, idempotency_key: 'new' }), 'invalid_workspace_root');
    assert.equal(await startsAt({ workspace_root: repository }), repository, 'the hash of which is another');
    mkdirSync(moved);
    cpSync(join(repository, '.git'), join(moved, '.git'), { recursive: true });
    assert.equal(await startsAt({ workspace_root: lastingDirectory() }), 'idempotency_conflict');
    assert.equal(await startsAt({}), moved);
  });

  it('takes extra arguments that shape an answer, and hands them on as settings', async () => {
    const call = makeCall();
    const extra_args = [
      '-c',
      'model_verbosity=low',
      '--config=model_context_window=100000',
      '--config',
      'personality=friendly',
    ];
    assert.ok((await delegateAsync.handle(parse({ workspace_root: repository, extra_args }), call)).ok);
    assert.deepEqual(call.house.supervisor.requests[0]?.submission.extraSettings, [
      'model_verbosity=low',
      'model_context_window=100000',
      'personality=friendly',
    ]);
  });

  const weakening: string[][] = [
    ['--sandbox', 'danger-full-access'],
    ['--dangerously-bypass-approvals-and-sandbox'],
    ['--full-auto'],
    ['--add-dir', '/'],
    ['-c', 'sandbox_mode=danger-full-access'],
    ['-c', 'approval_policy=on-request'],
    ['-c', 'sandbox_workspace_write.network_access=true'],
    ['--config=web_search=live'],
    ['-c', 'notify=["sh"]'],
    ['-c', 'model_verbosity=low\nsandbox_mode=danger-full-access'],
    ['-c', 'model_verbosity={a=1}'],
    ['-cmodel_verbosity=low'],
    ['-c'],
    ['-c', '-c', 'model_verbosity=low'],
    ['-C', '/'],
    ['--enable', 'apps'],
    ['--oss'],
    ['resume'],
    ['model_verbosity=low'],
    [''],
  ];
  for (const extra_args of weakening) {
    it(`refuses the extra arguments ${JSON.stringify(extra_args)}, before anything is spent`, async () => {
      const fault = await refusal({ workspace_root: repository, extra_args });
      assert.equal(fault.code, 'extra_args_rejected');
      assert.ok(!JSON.stringify(fault).includes(extra_args.at(-1) || 'nothing'));
    });
  }

  it('takes a profile only where the configuration of the user counts', async () => {
    const profile = 'fast';
    assert.ok((await delegateAsync.handle(parse({ workspace_root: repository, profile }), makeCall())).ok);
    const fault = await refusal({ workspace_root: repository, profile, isolation: 'ignore-config' });
    assert.equal(fault.code, 'invalid_arguments');
    assert.match(JSON.stringify(fault.details), /"field":"profile"/);
    for (const odd of ['../x', '-x', 'a b', '']) {
      assert.ok(!delegateAsync.input.safeParse({ task: 't', profile: odd }).success);
    }
  });

  it('takes a task of exactly the limit', async () => {
    const input = parse({ task: 'ä'.repeat(100_000), workspace_root: repository });
    assert.ok((await delegateAsync.handle(input, makeCall())).ok);
  });

  it('refuses words that a program could take for an option or that hold control characters', () => {
    for (const base_ref of ['-x', '--upload-pack=evil', 'a\nb', '', 'x'.repeat(256)]) {
      assert.ok(!delegateAsync.input.safeParse({ task: 't', base_ref }).success);
    }
    for (const model of ['-m', 'a\u001bb'])
      assert.ok(!delegateAsync.input.safeParse({ task: 't', model }).success);
    assert.ok(delegateAsync.input.safeParse({ task: 't', base_ref: 'HEAD~2', model: 'gpt-5.1' }).success);
  });

  it('answers no refused value', async () => {
    const secret = 'sk-secret-value';
    const faults = [
      await refusal({ workspace_root: secret }),
      await refusal({ workspace_root: `/${secret}` }),
    ];
    assert.ok(!JSON.stringify(faults).includes(secret));
  });
});

describe('codex_delegate_batch', () => {
  it('refuses a new task beside repeated ones where no repository is any more', async () => {
    const moved = join(lastingDirectory(), 'moved');
    const call = makeCall();
    const submission = { idempotencyKey: 'k#0', workspaceRoot: moved };
    call.house.supervisor.put(makeRecord('a', 'running', {}, submission));
    const start = (...tasks: string[]) => {
      const input = { tasks: tasks.map((task) => ({ task })), workspace_root: moved, idempotency_key: 'k' };
      return delegateBatch.handle(delegateBatch.input.parse(input), call);
    };
    const refused = await start('repeated', 'new');
    assert.ok(!refused.ok);
    assert.equal(refused.fault.code, 'invalid_workspace_root');
    assert.deepEqual(refused.fault.details, { task_index: 1 });
    assert.ok((await start('repeated')).ok);
  });
});

describe('the identity of a delegation', () => {
  const work = (input: Record<string, unknown>) => ({
    ...parse(input),
    kind: 'delegate' as const,
    review: null,
  });
  const hash = (input: Record<string, unknown>) => argumentsHash(work(input), repository);

  it('is the same with and without defaults, and however the call waits', async () => {
    assert.equal(hash({}), hash({ isolation: 'inherit', workspace_root: repository, idempotency_key: 'k' }));
    const call = makeCall();
    const input = { task: 't', workspace_root: repository };
    await delegateAsync.handle(delegateAsync.input.parse(input), call);
    await delegate.handle(
      { ...delegate.input.parse({ ...input, timeout_seconds: 10 }), timeout_seconds: 0 },
      call,
    );
    const [first, second] = call.house.supervisor.requests;
    assert.equal(first?.argumentsHash, second?.argumentsHash);
  });

  it('differs with anything that the caller asked for', () => {
    const others = [
      { task: 'other' },
      { model: 'm' },
      { reasoning_effort: 'm' },
      { isolation: 'ignore-rules' },
      { base_ref: 'm' },
      { deadline_seconds: 5 },
      { label: 'm' },
      { group_id: 'm' },
      { priority: 1 },
      { include_untracked: true },
      { continues: 'm' },
      { profile: 'm' },
      { extra_args: ['-c', 'model_verbosity=low'] },
    ];
    const hashes = [hash({}), ...others.map(hash), argumentsHash(work({}), '/elsewhere')];
    assert.equal(new Set(hashes).size, hashes.length);
  });
});

describe('codex_delegate', () => {
  const input = (seconds: number) => ({ ...parse({ workspace_root: repository }), timeout_seconds: seconds });

  it('answers the result once the job has settled, and reports meanwhile', async () => {
    const call = makeCall();
    const answer = delegate.handle(input(30), call);
    const { supervisor } = call.house;
    while (supervisor.listening < 2) await new Promise(setImmediate);
    const [id] = supervisor.records.keys();
    assert.ok(id !== undefined);
    const progress = { events: 3, lastEventAt: 1, activity: 'edits a.txt', usage: null };
    supervisor.put(makeRecord(id, 'running', { progress }));
    supervisor.put(makeRecord(id, 'done'));
    const outcome = await answer;
    assert.ok(outcome.ok);
    assert.equal(outcome.value.settled, true);
    assert.equal(outcome.value.status, 'done');
    assert.equal(outcome.value.patch, null);
    assert.match(call.reports.join('\n'), /queued.*\n.*edits a\.txt \(3 events\)\n.*done/);
    assert.equal(supervisor.listening, 0);
  });

  it('answers the handle when the time has passed, and the job goes on', async () => {
    const call = makeCall();
    const outcome = await delegate.handle(input(0.01), call);
    assert.ok(outcome.ok);
    assert.equal(outcome.value.settled, false);
    assert.equal(outcome.value.status, 'queued');
    assert.equal(call.house.supervisor.listening, 0);
  });

  it('ends its wait, not the job, when the caller goes away', async () => {
    const gone = new AbortController();
    const call = makeCall({ signal: gone.signal });
    const answer = delegate.handle(input(3_600), call);
    while (call.house.supervisor.listening < 2) await new Promise(setImmediate);
    gone.abort();
    const outcome = await answer;
    assert.ok(outcome.ok);
    assert.equal(outcome.value.settled, false);
    assert.equal([...call.house.supervisor.records.values()][0]?.context.ending, null);
  });
});
