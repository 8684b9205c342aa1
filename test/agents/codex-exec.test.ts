import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { codexExec } from '../../src/agents/codex-exec.js';
import {
  cut,
  fail,
  garbage,
  hang,
  patch,
  type Reply,
  refuseHttp,
  run,
  say,
  stopShort,
} from '../../src/demo/reply.js';
import { providerConfig, type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import type { ErrorCode } from '../../src/errors.js';
import type { Submission } from '../../src/job/record.js';
import { makeTestUser, makeWorktree, runJob, type TestUser } from '../support/agents.js';

const backend = codexExec();
const neverAborted = new AbortController().signal;

/** What the model says, by the task; the last reply of a list stands for all later steps. */
const script: Record<string, Reply[]> = {
  edit: [
    patch('*** Begin Patch\n*** Add File: added.txt\n+from the agent\n*** End Patch'),
    run('echo more >> added.txt', 'echo second > second.txt'),
    say('Added two files.', { input: 10, cached: 4, output: 3, reasoning: 1 }),
  ],
  'misleading output': [
    run('echo "401 unauthorized: quota exceeded, rate limit, bwrap: failed"'),
    say('401 quota'),
  ],
  'only failing commands': [run('echo "bwrap: not the sandbox"; exit 1', 'false'), say('done')],
  '401': [
    refuseHttp(401, {
      error: { code: 'invalid_api_key', message: 'Incorrect API key provided: sk-secretsecret.' },
    }),
  ],
  '403': [refuseHttp(403, 'forbidden')],
  '429': [refuseHttp(429, { error: { code: 'rate_limit_exceeded', message: 'slow down' } })],
  '429 with retry-after': [
    refuseHttp(429, { error: { code: 'rate_limit_exceeded', message: 'slow' } }, { 'retry-after': '1' }),
  ],
  quota: [
    refuseHttp(429, { error: { code: 'insufficient_quota', message: 'You exceeded your current quota.' } }),
  ],
  '500': [refuseHttp(500, { error: { code: 'server_error', message: 'oops' } })],
  '503': [refuseHttp(503, 'quota exceeded')],
  'unknown model': [
    refuseHttp(404, {
      error: {
        code: 'model_not_found',
        message: 'The model `x` does not exist or you do not have access.',
      },
    }),
  ],
  'bad request': [
    refuseHttp(400, {
      error: { code: 'x', type: 'invalid_request_error', message: 'Unsupported value: banana.' },
    }),
  ],
  'hangs at once': [hang('request')],
  'hangs in the stream': [hang('first event')],
  cut: [cut()],
  garbage: [garbage()],
  'context too large': [
    fail('context_length_exceeded', 'Your input exceeds the context window of this model.'),
  ],
  'rate limited in the stream': [fail('rate_limit_exceeded', 'Rate limit reached. Please try again in 1s.')],
  incomplete: [stopShort('max_output_tokens')],
};

let model: ScriptedModel;
let user: TestUser;
let sandbox: { skip: string | false };

before(async () => {
  model = await startScriptedModel(({ task, step }) => {
    if (task.startsWith('run: ')) return step === 0 ? run(task.slice(5)) : say('ran');
    return script[task]?.[step] ?? script[task]?.at(-1) ?? say('nothing to do');
  });
  user = await makeTestUser({
    FAKE_KEY: 'fake-value',
    MY_PROVIDER_SECRET: 'provider-value',
    PLAIN_NAME: 'plain-value',
    UNRELATED: 'unrelated-value',
    HTTP_PROXY: 'http://user:proxy-value@127.0.0.1:9',
    NO_PROXY: '127.0.0.1',
    GIT_DIR: '/nowhere',
    CODEX_SANDBOX: 'parent',
  });
  const headers =
    '[model_providers.scripted.env_http_headers]\nx-one = "MY_PROVIDER_SECRET"\nx-two = "PLAIN_NAME"\n';
  await writeFile(
    join(user.codexHome, 'config.toml'),
    `${providerConfig(model.url, 'FAKE_KEY', 0)}${headers}`,
  );
  const ready = await backend.preflight(user.settings, neverAborted);
  sandbox = { skip: !ready.ok && ready.fault.code === 'sandbox_unavailable' ? ready.fault.message : false };
});

after(async () => {
  await model.close();
  await user.remove();
});

let jobs = 0;
async function work(task: string, submission: Partial<Submission> = {}, subdirectory = '') {
  jobs += 1;
  const job = await user.job(`job${jobs}`, submission);
  return runJob(backend, { ...job, directory: join(user.worktree, subdirectory) }, user.settings, task);
}

/** Runs a shell command in the agent's sandbox and gives what it printed, as the model hears it. */
async function inSandbox(
  command: string,
  subdirectory = '',
  submission: Partial<Submission> = {},
): Promise<string> {
  const seen = model.requests(`run: ${command}`).length;
  await work(`run: ${command}`, submission, subdirectory);
  const answered = await model.requested(seen + 2, `run: ${command}`);
  return answered.outputs.join('\n');
}

describe('a turn that is completed', () => {
  test('edits the worktree and tells message, thread and usage', async (context) => {
    if (sandbox.skip) return context.skip(sandbox.skip);
    const { conclusion, lines } = await work('edit');
    assert.equal(conclusion.failure, null, lines.join('\n'));
    assert.equal(await readFile(join(user.worktree, 'added.txt'), 'utf8'), 'from the agent\nmore\n');
    assert.equal(await readFile(join(user.worktree, 'second.txt'), 'utf8'), 'second\n');
    assert.equal(conclusion.summary, 'Added two files.');
    assert.match(conclusion.threadId ?? '', /^[0-9a-f-]{36}$/);
    assert.deepEqual(conclusion.usage, {
      inputTokens: 210,
      cachedInputTokens: 84,
      outputTokens: 43,
      reasoningOutputTokens: 11,
    });
    assert.deepEqual(conclusion.warnings, []);
  });

  test('is not failed by words that a command prints or the agent says', async (context) => {
    if (sandbox.skip) return context.skip(sandbox.skip);
    assert.equal((await work('misleading output')).conclusion.failure, null);
    assert.equal((await work('only failing commands')).conclusion.failure, null);
  });
});

describe('a turn that fails', () => {
  const expected: [task: string, code: ErrorCode, message: RegExp][] = [
    ['401', 'codex_auth_required', /401 Unauthorized/],
    ['403', 'codex_auth_required', /403 Forbidden/],
    ['429', 'codex_rate_limited', /429 Too Many Requests/],
    ['429 with retry-after', 'codex_rate_limited', /429 Too Many Requests/],
    ['quota', 'codex_usage_limit', /Quota exceeded/],
    ['500', 'model_unavailable', /high demand/],
    ['503', 'model_unavailable', /503 Service Unavailable/],
    ['unknown model', 'model_rejected', /does not exist/],
    ['bad request', 'model_rejected', /^Unsupported value: banana\.$/],
    ['cut', 'model_unavailable', /stream disconnected/],
    ['garbage', 'model_unavailable', /stream disconnected/],
    ['context too large', 'context_too_large', /ran out of room/],
    ['rate limited in the stream', 'codex_rate_limited', /rate limit/i],
    ['incomplete', 'agent_failed', /max_output_tokens/],
  ];
  for (const [task, code, message] of expected) {
    test(`tells ${code} for: ${task}`, async () => {
      const { conclusion, lines } = await work(task);
      assert.equal(conclusion.failure?.code, code, lines.join('\n'));
      assert.match(conclusion.failure?.message ?? '', message);
      assert.doesNotMatch(conclusion.failure?.message ?? '', /sk-secret|url:/);
      assert.notEqual(conclusion.threadId, null);
    });
  }
});

describe('a model that says nothing', () => {
  for (const task of ['hangs at once', 'hangs in the stream']) {
    test(`leaves the agent waiting until it is killed: ${task}`, async () => {
      const killer = new AbortController();
      const job = await user.job(task.replaceAll(' ', '-'));
      const running = runJob(backend, job, user.settings, task, killer.signal);
      await model.requested(1, task);
      killer.abort();
      const { conclusion } = await running;
      assert.equal(conclusion.failure?.code, 'agent_killed');
      assert.notEqual(conclusion.threadId, null);
    });
  }
});

describe('many jobs at once', () => {
  test('each run their commands, because none shares its home with another', async (context) => {
    if (sandbox.skip) return context.skip(sandbox.skip);
    const ran = await Promise.all(
      Array.from({ length: 8 }, async (_, number) => {
        const job = await user.job(`many${number}`);
        const worktree = join(user.root, `many${number}`);
        await makeWorktree(worktree);
        const task = `run: echo ${number} > number`;
        const { conclusion } = await runJob(
          backend,
          { ...job, worktree, directory: worktree },
          user.settings,
          task,
        );
        assert.equal(conclusion.failure, null);
        return readFile(join(worktree, 'number'), 'utf8');
      }),
    );
    assert.deepEqual(
      ran,
      Array.from({ length: 8 }, (_, number) => `${number}\n`),
    );
  });
});

describe('a launch that fails', () => {
  test('tells codex_config_rejected for a field in config.toml that Codex does not know', async () => {
    const other = await makeTestUser();
    await writeFile(join(other.codexHome, 'config.toml'), 'no_such_field = 1\n');
    const { conclusion } = await runJob(backend, await other.job('job'), other.settings, 'hello');
    await other.remove();
    assert.equal(conclusion.failure?.code, 'codex_config_rejected');
    assert.match(conclusion.failure?.message ?? '', /no_such_field/);
    assert.equal(conclusion.threadId, null);
  });

  test('tells codex_config_rejected when the variable of the key is not set', async () => {
    const other = await makeTestUser();
    await writeFile(join(other.codexHome, 'config.toml'), providerConfig(model.url, 'NOT_SET', 0));
    const { conclusion } = await runJob(backend, await other.job('job'), other.settings, 'hello');
    await other.remove();
    assert.equal(conclusion.failure?.code, 'codex_config_rejected');
    assert.match(conclusion.failure?.message ?? '', /NOT_SET/);
  });

  test('gives no launch when there is no Codex', async () => {
    const settings = { ...user.settings, codexPath: null };
    const launch = await backend.launch(await user.job('without-codex'), settings);
    assert.equal(launch.ok ? null : launch.fault.code, 'codex_not_found');
  });
});

describe('the sandbox', () => {
  test('lets commands write to the worktree and TMPDIR, and nowhere else', async (context) => {
    if (sandbox.skip) return context.skip(sandbox.skip);
    const outside = join(user.root, 'outside');
    const output = await inSandbox(
      `touch inside && echo inside ok; touch "$TMPDIR/x" && echo tmp ok; for f in ${outside} /tmp/offshoot-x .git/x "$HOME/x" "$CODEX_HOME/x"; do touch "$f" 2>&1 || echo refused; done`,
    );
    assert.match(output, /inside ok\ntmp ok\n/);
    assert.equal(output.match(/^refused$/gm)?.length, 5, output);
    await assert.rejects(stat(outside), { code: 'ENOENT' });
  });

  test('lets commands write to the whole checkout when the job starts in a subdirectory', async (context) => {
    if (sandbox.skip) return context.skip(sandbox.skip);
    await mkdir(join(user.worktree, 'sub'));
    const output = await inSandbox(
      'pwd; touch ../above && echo above ok; touch ../.git/x 2>&1 || echo refused',
      'sub',
    );
    // What it wrote on standard error may come before or after.
    assert.match(output, /\/sub$/m);
    assert.match(output, /^above ok$/m);
    assert.match(output, /^refused$/m);
  });

  test('has no network, not even the loopback', async (context) => {
    if (sandbox.skip) return context.skip(sandbox.skip);
    const { port } = new URL(model.url);
    const output = await inSandbox(`bash -c 'echo > /dev/tcp/127.0.0.1/${port}' || echo no network`);
    assert.match(output, /no network/);
  });

  test('keeps keys, proxies and unrelated variables from commands', async (context) => {
    if (sandbox.skip) return context.skip(sandbox.skip);
    const output = await inSandbox("env; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'");
    assert.match(output, /^TMPDIR=.*\/jobs\/job\d+\/tmp$/m);
    assert.doesNotMatch(
      output,
      /fake-value|provider-value|plain-value|unrelated-value|proxy-value|\/nowhere|parent/,
    );
    const { headers } = model.requests().at(-1) ?? assert.fail('no request');
    assert.equal(headers.authorization, 'Bearer fake-value');
    assert.equal(headers['x-one'], 'provider-value');
    assert.equal(headers['x-two'], 'plain-value');
  });

  test('does not read ~/.bashrc before each command', async (context) => {
    if (sandbox.skip) return context.skip(sandbox.skip);
    await writeFile(join(user.root, 'home', '.bashrc'), 'echo profile was read\n');
    assert.doesNotMatch(await inSandbox('echo hello'), /profile was read/);
  });

  test('that cannot start fails the job although Codex completes the turn', async (context) => {
    const other = await makeTestUser({ FAKE_KEY: 'x' });
    after(() => other.remove());
    const program = await codexWithoutNamespaces(other);
    if (program === null) return context.skip('this machine has no user namespaces to take away');
    await writeFile(join(other.codexHome, 'config.toml'), providerConfig(model.url, 'FAKE_KEY', 0));
    const settings = { ...other.settings, codexPath: program };
    const { conclusion } = await runJob(backend, await other.job('job'), settings, 'edit');
    assert.equal(conclusion.failure?.code, 'sandbox_unavailable');
    const ready = await backend.preflight(settings, neverAborted);
    assert.equal(ready.ok ? null : ready.fault.code, 'sandbox_unavailable');
  });
});

/** A program that runs Codex where no namespace can be made. */
async function codexWithoutNamespaces({ root, settings }: TestUser): Promise<string | null> {
  if (sandbox.skip || process.platform !== 'linux') return null;
  const program = join(root, 'codex-without-namespaces');
  const inner = `echo 0 > /proc/sys/user/max_user_namespaces && exec ${settings.codexPath} "$@"`;
  await writeFile(program, `#!/bin/sh\nexec unshare -Ur sh -c '${inner}' sh "$@"\n`);
  await chmod(program, 0o755);
  return program;
}

describe('the private Codex home', () => {
  test('links to what the user has, and keeps what Codex writes', async () => {
    const other = await makeTestUser();
    after(() => other.remove());
    await mkdir(join(other.codexHome, 'skills', 'mine'), { recursive: true });
    await mkdir(join(other.codexHome, 'skills', '.system'));
    for (const name of ['auth.json', 'config.toml', 'AGENTS.md', 'history.jsonl']) {
      await writeFile(join(other.codexHome, name), '');
    }
    const job = await other.job('job');
    await backend.launch(job, other.settings);
    const again = await backend.launch(job, other.settings);
    assert.ok(again.ok);
    const home = join(job.jobDirectory, 'codex');
    assert.equal(again.value.environment.CODEX_HOME, home);
    for (const name of ['auth.json', 'config.toml', 'AGENTS.md', 'skills/mine']) {
      assert.equal(await readlink(join(home, name)), join(other.codexHome, name));
    }
    await assert.rejects(stat(join(home, 'skills', '.system')), { code: 'ENOENT' });
    await assert.rejects(stat(join(home, 'history.jsonl')), { code: 'ENOENT' });
    assert.ok((await stat(join(job.jobDirectory, 'tmp'))).isDirectory());
  });

  test('lets the model read the skills and instructions of the user', async () => {
    await mkdir(join(user.codexHome, 'skills', 'gardening'), { recursive: true });
    await writeFile(
      join(user.codexHome, 'skills', 'gardening', 'SKILL.md'),
      '---\nname: gardening\ndescription: How to prune roses.\n---\nPrune.\n',
    );
    await writeFile(join(user.codexHome, 'AGENTS.md'), 'Always water the roses.\n');
    await work('look at skills');
    const asked = JSON.stringify((await model.requested(1, 'look at skills')).body.input);
    assert.match(asked, /How to prune roses/);
    assert.match(asked, /Always water the roses/);
  });
});

describe('what the submission chooses', () => {
  test('model and effort reach the model as they stand', async () => {
    await work('chosen', { model: '-x "odd" model', reasoningEffort: 'high' });
    const { body } = await model.requested(1, 'chosen');
    assert.equal(body.model, '-x "odd" model');
    assert.equal((body.reasoning as { effort?: string } | null)?.effort, 'high');
  });

  test('a profile of the user and extra settings reach Codex', async () => {
    await writeFile(join(user.codexHome, 'terse.config.toml'), 'model = "gpt-5.6-luna"\n');
    const chosen = { profile: 'terse', extraSettings: ['model_verbosity=low', 'service_tier=priority'] };
    await work('chosen by profile', chosen);
    const { body } = await model.requested(1, 'chosen by profile');
    assert.equal(body.model, 'gpt-5.6-luna');
    assert.equal((body.text as { verbosity?: string } | null)?.verbosity, 'low');
    assert.equal(body.service_tier, 'priority');
  });

  test('a profile that is not there is refused before anything starts', async () => {
    const launch = await backend.launch(await user.job('lost', { profile: 'lost' }), user.settings);
    assert.ok(!launch.ok);
    assert.equal(launch.fault.code, 'codex_config_rejected');
    assert.match(launch.fault.message, /"lost"/);
  });

  test('a profile weakens nothing: sandbox, network, approvals and keys are pinned after it', async () => {
    const escaped = join(user.root, 'escaped');
    await writeFile(
      join(user.codexHome, 'loose.config.toml'),
      `sandbox_mode = "danger-full-access"
      approval_policy = "on-request"
      web_search = "live"
      allow_login_shell = true
      [sandbox_workspace_write]
      network_access = true
      writable_roots = ["${user.root}"]
      [shell_environment_policy]
      ignore_default_excludes = true
      exclude = []
      set = {}
      [features]
      shell_snapshot = true
      [projects."${user.worktree}"]
      trust_level = "trusted"
      `,
    );
    const attempts = [
      `touch ${escaped} || echo no file`,
      `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${new URL(model.url).port}' || echo no network`,
      '[ -n "$FAKE_KEY" ] || echo no key',
    ].join('; ');
    const printed = await inSandbox(attempts, '', { profile: 'loose' });
    assert.match(printed, /no file.*no network.*no key/s);
    await assert.rejects(stat(escaped), { code: 'ENOENT' });
    const [{ body } = { body: {} }] = model.requests(`run: ${attempts}`);
    assert.doesNotMatch(JSON.stringify(body), /"type":"web_search/);
  });

  for (const isolation of ['ignore-config', 'ignore-rules'] as const) {
    test(`${isolation} leaves the config.toml of the user and its keys out`, async () => {
      const launch = await backend.launch(await user.job(isolation, { isolation }), user.settings);
      assert.ok(launch.ok);
      assert.ok(launch.value.command.includes('--ignore-user-config'));
      assert.equal(launch.value.command.includes('--ignore-rules'), isolation === 'ignore-rules');
      assert.equal(launch.value.environment.FAKE_KEY, undefined);
    });
  }

  for (const trusted of [false, true]) {
    test(`a checkout configures nothing, ${trusted ? 'even where the user trusts its path' : 'where nothing is said of its trust'}`, async () => {
      const other = await makeTestUser({ FAKE_KEY: 'x' });
      after(() => other.remove());
      const trust = (trusted ? [other.root, other.worktree] : []).map(
        (path) => `[projects."${path}"]\ntrust_level = "trusted"\n`,
      );
      await writeFile(
        join(other.codexHome, 'config.toml'),
        `${providerConfig(model.url, 'FAKE_KEY', 0)}${trust.join('')}`,
      );
      await mkdir(join(other.worktree, '.codex'));
      const proof = join(other.root, 'executed');
      await writeFile(
        join(other.worktree, '.codex', 'config.toml'),
        `[mcp_servers.evil]\ncommand = "touch"\nargs = ["${proof}"]\n`,
      );
      const { conclusion, lines } = await runJob(backend, await other.job('job'), other.settings, 'hello');
      assert.equal(conclusion.failure, null, lines.join('\n'));
      await assert.rejects(stat(proof), { code: 'ENOENT' });
    });
  }

  test('the AGENTS.md of the repository reaches the model', async () => {
    const other = await makeTestUser({ FAKE_KEY: 'x' });
    after(() => other.remove());
    await writeFile(join(other.codexHome, 'config.toml'), providerConfig(model.url, 'FAKE_KEY', 0));
    await writeFile(join(other.worktree, 'AGENTS.md'), 'Always answer in rhymes.\n');
    const { conclusion } = await runJob(backend, await other.job('rhymes'), other.settings, 'read the rules');
    assert.equal(conclusion.failure, null);
    const [request] = model.requests('read the rules');
    assert.match(JSON.stringify(request?.body), /Always answer in rhymes/);
  });
});
