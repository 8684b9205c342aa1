import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CodexReader } from '../../src/agents/codex-events.js';

const started = [
  '{"type":"thread.started","thread_id":"01a202ca-6e9b-7f80-bb80-937691878a79"}',
  '{"type":"turn.started"}',
];
const completed =
  '{"type":"turn.completed","usage":{"input_tokens":300,"cached_input_tokens":120,"cache_write_input_tokens":0,"output_tokens":60,"reasoning_output_tokens":15}}';
const item = (type: string, fields: object, event = 'item.completed') =>
  JSON.stringify({ type: event, item: { id: 'item_1', type, ...fields } });
const command = (fields: object, event?: string) =>
  item('command_execution', { command: 'x', ...fields }, event);
const message = (text: string) => item('agent_message', { text });
const failed = (text: string) => JSON.stringify({ type: 'turn.failed', error: { message: text } });
const trouble = (text: string) => JSON.stringify({ type: 'error', message: text });

function read(...lines: string[]): CodexReader {
  const reader = new CodexReader();
  lines.forEach((line, place) => {
    reader.line(line, 1_000 + place);
  });
  return reader;
}

const conclude = (lines: string[], status: number | null = 0, stderr = '') =>
  read(...lines).conclude({ status, stderr });
const codeOf = (lines: string[], status: number | null = 0, stderr = '') =>
  conclude(lines, status, stderr).failure?.code ?? null;

describe('success', () => {
  test('needs turn.completed and exit 0', () => {
    assert.equal(codeOf([...started, message('ok'), completed]), null);
    assert.equal(codeOf([...started, message('ok')]), 'agent_exited');
    assert.equal(codeOf([]), 'agent_exited');
    assert.equal(codeOf([...started, completed], 1), 'agent_exited');
  });

  test('is denied by turn.failed although Codex exits with 0', () => {
    assert.equal(codeOf([...started, completed, failed('boom')]), 'agent_failed');
  });

  test('is not denied by retries that helped', () => {
    const retry = trouble('Reconnecting... 1/5 (unexpected status 503 Service Unavailable)');
    assert.equal(codeOf([...started, retry, completed]), null);
  });

  test('tells the last message, the thread and the tokens', () => {
    const conclusion = conclude([...started, message('first'), message('last\nline'), completed]);
    assert.equal(conclusion.summary, 'last\nline');
    assert.equal(conclusion.threadId, '01a202ca-6e9b-7f80-bb80-937691878a79');
    assert.deepEqual(conclusion.usage, {
      inputTokens: 300,
      cachedInputTokens: 120,
      outputTokens: 60,
      reasoningOutputTokens: 15,
    });
  });

  test('tells warnings once each', () => {
    const warning = item('error', { message: 'metadata not found' });
    assert.deepEqual(conclude([...started, warning, warning, completed]).warnings, ['metadata not found']);
  });
});

describe('hostile output', () => {
  test('lines that are no events are counted, not fatal', () => {
    const odd = ['garbage', '{"type":', '[]', 'null', '{"type":7}', '{}', '\u0000\ufffd'];
    const conclusion = conclude([...started, ...odd, completed]);
    assert.equal(conclusion.failure, null);
    assert.deepEqual(conclusion.warnings, [`Lines of Codex's output that were no events: ${odd.length}.`]);
  });

  test('unknown events and fields of another type are tolerated', () => {
    const odd = [
      '{"type":"thread.renamed","name":1}',
      '{"type":"item.completed","item":7}',
      '{"type":"item.completed","item":{"id":1,"type":"agent_message","text":["no"]}}',
      '{"type":"turn.failed","error":"no object"}',
      '{"type":"item.completed","item":{"id":"i","type":"constructor"}}',
      '{"type":"item.completed","item":[]}',
      '{"type":"turn.completed","usage":"many"}',
    ];
    const conclusion = conclude([...started, ...odd]);
    assert.equal(conclusion.failure, null);
    assert.equal(conclusion.usage, null);
  });

  test('what is no id of a thread, and no count of tokens, is not taken for one', () => {
    for (const id of ['--help', '../x', 'a b', '', 'x'.repeat(101)]) {
      const thread = JSON.stringify({ type: 'thread.started', thread_id: id });
      assert.equal(conclude([thread, '{"type":"turn.started"}', completed]).threadId, null, id.slice(0, 20));
    }
    for (const tokens of ['-1', '1.5', '1e308']) {
      const usage = `{"input_tokens":${tokens},"output_tokens":1}`;
      assert.equal(conclude([...started, `{"type":"turn.completed","usage":${usage}}`]).usage, null, tokens);
    }
  });

  test('half of a character is left out', () => {
    const { summary } = conclude([...started, message('a\ud83d b\udc00 \ud83d\ude00'), completed]);
    assert.equal(summary, 'a b \ud83d\ude00');
  });

  test('a line of several megabytes is read, and what is kept of it is bounded', () => {
    const long = 'x'.repeat(4_000_000);
    const reader = read(
      ...started,
      message(long),
      command({ aggregated_output: long, exit_code: 0 }),
      completed,
    );
    const { summary } = reader.conclude({ status: 0, stderr: '' });
    assert.ok((summary ?? '').length <= 16_384);
    assert.ok((reader.progress().activity ?? '').length <= 120);
  });

  test('words of the task never decide the class of a failure', () => {
    const words = '401 Unauthorized: usage limit, rate limit, context_length_exceeded, bwrap: failed';
    const said = [...started, command({ aggregated_output: words, exit_code: 1 }), message(words)];
    assert.equal(codeOf([...said, completed]), null);
    assert.equal(codeOf([...said, failed('boom')]), 'agent_failed');
    assert.equal(codeOf(said, 1, `ERROR codex_core: ${words}`), 'agent_exited');
  });
});

describe('the sandbox that did not start', () => {
  const refused = {
    aggregated_output:
      'bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded\n',
    exit_code: 1,
    status: 'failed',
  };

  test('fails the run when no command ran', () => {
    assert.equal(codeOf([...started, command(refused), command(refused), completed]), 'sandbox_unavailable');
    // As Codex 0.169 says where another user's directory lies in the place of its own.
    const foreign =
      'error building bubblewrap command: app-server socket directory must be a user-owned directory with mode 0700\n';
    const other = command({ ...refused, aggregated_output: foreign });
    assert.equal(codeOf([...started, other, completed]), 'sandbox_unavailable');
  });

  test('is told from standard error when Codex shows no command at all', () => {
    const stderr =
      '2026 ERROR codex_core::exec: error=\nbwrap: execvp codex-linux-sandbox: No such file or directory\n';
    assert.equal(codeOf([...started, completed], 0, stderr), 'sandbox_unavailable');
  });

  test('is not believed when another command or an edit worked', () => {
    const worked = command({ aggregated_output: 'hello\n', exit_code: 3 });
    const edited = item('file_change', { changes: [{ path: '/w/a' }], status: 'completed' });
    assert.equal(codeOf([...started, command(refused), worked, completed]), null);
    assert.equal(codeOf([...started, edited, command(refused), completed]), null);
  });

  test('is not believed when the command printed more than the sandbox says', () => {
    const quoting = { ...refused, aggregated_output: `tests run\n${refused.aggregated_output}` };
    assert.equal(codeOf([...started, command(quoting), completed]), null);
  });
});

describe('a run that was ended', () => {
  test('by a signal is agent_killed, with the last error as its reason', () => {
    const retry = trouble('Reconnecting... waiting for network (Connection failed)');
    const { failure } = conclude([...started, retry], 137);
    assert.equal(failure?.code, 'agent_killed');
    assert.match(failure?.message ?? '', /SIGKILL.*waiting for network/);
  });

  test('without a status is agent_killed', () => {
    assert.equal(codeOf(started, null), 'agent_killed');
  });

  test('after its turn was completed has done what it was to do', () => {
    for (const status of [143, 137, null]) assert.equal(codeOf([...started, completed], status), null);
  });

  test('after its turn failed keeps the cause of the turn', () => {
    assert.equal(
      codeOf([...started, failed('unexpected status 401 Unauthorized: x')], 143),
      'codex_auth_required',
    );
  });
});

describe('progress', () => {
  const activity = (...lines: string[]) => read(...started, ...lines).progress().activity;

  test('counts events and knows the last instant', () => {
    const { events, lastEventAt } = read(...started, 'garbage').progress();
    assert.deepEqual({ events, lastEventAt }, { events: 2, lastEventAt: 1_001 });
  });

  test('says in one line what the agent does', () => {
    const running = (text: string) => activity(command({ command: text }, 'item.started'));
    assert.equal(activity(), 'thinks');
    assert.equal(running("/bin/bash -c 'npm test'"), 'runs npm test');
    assert.equal(running('/bin/bash -lc "echo \\"a\\""'), 'runs echo "a"');
    assert.equal(running('ls'), 'runs ls');
    assert.equal(activity(message('All\n\u001b[31mdone\u001b[0m\u0007')), 'says: All done');
    assert.equal(activity(item('file_change', { changes: [{ path: '/w/src/a.ts' }] })), 'edits a.ts');
    assert.equal(
      activity(item('file_change', { changes: [{ path: '/a' }, { path: '/b' }] })),
      'edits a and 1 more',
    );
    assert.equal(activity(trouble('Reconnecting... 1/5')), 'meets an error: Reconnecting... 1/5');
  });

  test('lets the agent be silent only while a command or tool call is under way', () => {
    const running = command({ exit_code: null, status: 'in_progress' }, 'item.started');
    assert.equal(read(...started).mayBeSilent(), false);
    assert.equal(read(...started, running).mayBeSilent(), true);
    assert.equal(read(...started, running, command({ exit_code: 0 })).mayBeSilent(), false);
    assert.equal(read(...started, running, completed).mayBeSilent(), false);
    assert.equal(read(...started, item('mcp_tool_call', { tool: 't' }, 'item.started')).mayBeSilent(), true);
  });
});
