import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { parse } from 'smol-toml';
import { cut, fail, hang, patch, type Reply, refuseHttp, run, say } from '../../src/demo/reply.js';
import { providerConfig, type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';

/** What the model says, by the task. */
const replies: Record<string, (step: number) => Reply> = {
  twice: (step) =>
    step === 0 ? run('one', 'two') : say('done', { input: 7, cached: 2, output: 3, reasoning: 1 }),
  edit: () => patch('*** Begin Patch\n*** End Patch'),
  refuse: () =>
    refuseHttp(429, { error: { code: 'rate_limit_exceeded', message: 'slow' } }, { 'retry-after': '3' }),
  fail: () => fail('server_is_overloaded', 'busy'),
  cut,
  'hang at once': () => hang('request'),
  'hang in the stream': () => hang('first event'),
};

let model: ScriptedModel;
before(async () => {
  model = await startScriptedModel(({ task, step }) => replies[task]?.(step) ?? say('what?'));
});
after(() => model.close());

const user = (text: string) => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });
const result = (id: string, output: string) => ({ type: 'function_call_output', call_id: id, output });

function ask(task: string, items: object[] = [], url = model.url): Promise<Response> {
  const input = [user('<environment_context/>'), user(task), ...items];
  return fetch(`${url}/responses`, {
    method: 'POST',
    body: JSON.stringify({ model: 'm', prompt_cache_key: 'thread', input }),
  });
}

interface StreamEvent {
  type: string;
  item?: { type: string; name?: string; call_id: string; arguments: string };
  response?: { usage?: object; error?: { code: string } };
}

async function eventsOf(response: Response): Promise<StreamEvent[]> {
  const blocks = (await response.text()).split('\n\n').filter((block) => block !== '');
  return blocks.map((block) => JSON.parse(block.slice(block.indexOf('data: ') + 6)) as StreamEvent);
}

describe('the scripted model', () => {
  test('asks for several commands at once and counts them as one step', async () => {
    const calls = (await eventsOf(await ask('twice'))).flatMap((event) => event.item ?? []);
    assert.deepEqual(
      calls.map((call) => [call.type, call.name, (JSON.parse(call.arguments) as { cmd: string }).cmd]),
      [
        ['function_call', 'exec_command', 'one'],
        ['function_call', 'exec_command', 'two'],
      ],
    );
    const outputs = calls.map((call, place) => result(call.call_id, `output ${place}`));
    const last = (await eventsOf(await ask('twice', outputs))).at(-1);
    assert.equal(last?.type, 'response.completed');
    assert.deepEqual(last?.response?.usage, {
      input_tokens: 7,
      input_tokens_details: { cached_tokens: 2 },
      output_tokens: 3,
      output_tokens_details: { reasoning_tokens: 1 },
      total_tokens: 10,
    });
    const [first, second] = model.requests('twice');
    assert.deepEqual([first?.step, second?.step], [0, 1]);
    assert.deepEqual(second?.outputs, ['output 0', 'output 1']);
  });

  test('gives a patch to the shell, where Codex takes it', async () => {
    const [, call] = await eventsOf(await ask('edit'));
    assert.match(call?.item?.arguments ?? '', /^\{"cmd":"apply_patch <<'END_OF_PATCH'\\n\*\*\* Begin Patch/);
  });

  test('refuses with status, headers and body, and counts retries', async () => {
    const response = await ask('refuse');
    assert.equal(response.status, 429);
    assert.equal(response.headers.get('retry-after'), '3');
    assert.deepEqual(await response.json(), {
      error: { code: 'rate_limit_exceeded', message: 'slow' },
    });
    await ask('refuse');
    assert.deepEqual(
      model.requests('refuse').map((request) => request.retry),
      [0, 1],
    );
  });

  test('fails in the stream, or cuts it', async () => {
    const events = await eventsOf(await ask('fail'));
    assert.equal(events.at(-1)?.response?.error?.code, 'server_is_overloaded');
    await assert.rejects(async () => (await ask('cut')).text());
  });

  test('lets a test wait for a request that has not come yet', async () => {
    const coming = model.requested(2, 'later');
    await ask('later');
    await ask('later');
    assert.equal((await coming).task, 'later');
    assert.equal((await model.requested(1, 'later')).step, 0);
  });

  test('answers when the script is ready', async () => {
    let open: (reply: Reply) => void = () => {};
    const slow = await startScriptedModel(() => new Promise<Reply>((resolve) => (open = resolve)));
    const answer = ask('slow', [], slow.url);
    await slow.requested(1);
    open(say('ready'));
    assert.match(await (await answer).text(), /ready/);
    await slow.close();
  });

  test('lists models and knows no other address', async () => {
    assert.equal((await fetch(`${model.url}/models`)).status, 200);
    assert.equal((await fetch(`${model.url}/other`)).status, 404);
  });

  test('survives a request that is no JSON', async () => {
    await assert.rejects(fetch(`${model.url}/responses`, { method: 'POST', body: '{' }));
    assert.equal((await ask('still there')).status, 200);
  });

  test('closes although requests hang', async () => {
    const other = await startScriptedModel(({ task, step }) => replies[task]?.(step) ?? say(''));
    const silent = ask('hang at once', [], other.url);
    const stream = await ask('hang in the stream', [], other.url);
    await other.requested(2);
    await Promise.all([other.close(), assert.rejects(silent), assert.rejects(stream.text())]);
  });
});

describe('the configuration for it', () => {
  test('is TOML that names the address, the key and the retries', () => {
    const { model_provider, model_providers } = parse(providerConfig('http://127.0.0.1:1/v1', 'KEY', 0)) as {
      model_provider: string;
      model_providers: Record<string, object>;
    };
    assert.deepEqual(
      { ...model_providers[model_provider] },
      {
        name: 'Scripted model',
        base_url: 'http://127.0.0.1:1/v1',
        wire_api: 'responses',
        env_key: 'KEY',
        request_max_retries: 0,
        stream_max_retries: 0,
      },
    );
  });
});
