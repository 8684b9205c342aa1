import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { errorTable } from '../../src/errors.js';
import { operations } from '../../src/operations/index.js';
import { type Answer, commandLine, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const execute = promisify(execFile);
const secret = 'VALUE-THAT-MUST-NOT-COME-BACK';

async function connect(environment: Record<string, string>): Promise<Client> {
  const client = new Client({ name: 'test', version: '0' });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [commandLine, 'mcp'],
      env: environment,
      stderr: 'ignore',
    }),
  );
  return client;
}

async function stopDaemon(environment: Record<string, string>): Promise<void> {
  await execute(process.execPath, [commandLine, 'stop'], { env: environment });
}

/** Calls a tool that must refuse, and checks the form of the envelope. */
async function refusal(client: Client, name: string, input: object): Promise<Answer> {
  const result = await client.callTool({ name, arguments: { ...input } });
  assert.equal(result.isError, true, JSON.stringify(result));
  const envelope = result.structuredContent as Answer;
  assert.deepEqual(JSON.parse((result.content as { text: string }[])[0]?.text ?? ''), envelope);
  assert.equal(envelope.ok, false);
  const { error } = envelope;
  assert.ok(error.code in errorTable, error.code);
  assert.equal(typeof error.message, 'string');
  assert.equal(typeof error.temporary, 'boolean');
  assert.equal(error.retry_after_ms === null, !error.temporary);
  assert.ok(error.repair.next_step && error.repair.advice);
  assert.ok(!JSON.stringify(envelope).includes(secret), 'a rejected value came back');
  return error;
}

describe('bad input over MCP', () => {
  let offshoot: Offshoot;
  let client: Client;
  let directories: Record<'plain' | 'empty' | 'bare', string>;

  before(async () => {
    offshoot = await makeOffshoot({
      environment: { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: 'cat >/dev/null' },
    });
    directories = {
      plain: join(offshoot.root, 'plain'),
      empty: join(offshoot.root, 'empty'),
      bare: join(offshoot.root, 'bare'),
    };
    await mkdir(directories.plain);
    await offshoot.git('init', '--quiet', directories.empty);
    await offshoot.git('clone', '--quiet', '--bare', offshoot.repository, directories.bare);
    client = await connect(offshoot.environment);
  });
  after(async () => {
    await client.close();
    await stopDaemon(offshoot.environment);
    await offshoot.remove();
  });

  const cases: [string, string, () => object, string][] = [
    [
      'an unknown argument',
      'codex_delegate_async',
      () => ({ task: 'x', colour: secret }),
      'invalid_arguments',
    ],
    ['a missing argument', 'codex_delegate_async', () => ({}), 'invalid_arguments'],
    [
      'an argument of another type',
      'codex_delegate_async',
      () => ({ task: { [secret]: 1 } }),
      'invalid_arguments',
    ],
    ['a blank task', 'codex_delegate_async', () => ({ task: ' \n\t ' }), 'invalid_arguments'],
    [
      'a task over the limit',
      'codex_delegate_async',
      () => ({ task: secret.repeat(20_000) }),
      'input_too_large',
    ],
    ['a task with NUL', 'codex_delegate_async', () => ({ task: `${secret}\0` }), 'invalid_arguments'],
    [
      'no repository',
      'codex_delegate_async',
      () => ({ task: 'x', workspace_root: directories.plain }),
      'not_a_git_repo',
    ],
    [
      'no commit',
      'codex_delegate_async',
      () => ({ task: 'x', workspace_root: directories.empty }),
      'no_commit',
    ],
    [
      'a bare repository',
      'codex_delegate_async',
      () => ({ task: 'x', workspace_root: directories.bare }),
      'bare_repository',
    ],
    [
      'a relative path',
      'codex_delegate_async',
      () => ({ task: 'x', workspace_root: `./${secret}` }),
      'invalid_workspace_root',
    ],
    [
      'a missing path',
      'codex_delegate_async',
      () => ({ task: 'x', workspace_root: `/${secret}` }),
      'invalid_workspace_root',
    ],
    [
      'a path with NUL',
      'codex_delegate_async',
      () => ({ task: 'x', workspace_root: `/tmp/${secret}\0` }),
      'invalid_workspace_root',
    ],
    [
      'a path with control characters',
      'codex_delegate_async',
      () => ({ task: 'x', workspace_root: `/${secret}\u001b[2J` }),
      'invalid_workspace_root',
    ],
    [
      'a base_ref that is an option',
      'codex_delegate_async',
      () => ({ task: 'x', base_ref: `--${secret}` }),
      'invalid_arguments',
    ],
    ['an unknown job', 'codex_job_status', () => ({ job_id: 'f'.repeat(32) }), 'job_not_found'],
    [
      'a job id that is a path',
      'codex_job_result',
      () => ({ job_id: `../../${secret}` }),
      'invalid_arguments',
    ],
    ['an unknown tool', 'codex_nothing', () => ({}), 'unknown_tool'],
    [
      'too many jobs to wait for',
      'codex_job_wait',
      () => ({ job_ids: Array(101).fill('f'.repeat(32)) }),
      'invalid_arguments',
    ],
  ];
  for (const [title, tool, input, code] of cases) {
    it(`${title} is refused as ${code}, and nothing is started`, async () => {
      const base = tool.startsWith('codex_delegate') ? { workspace_root: offshoot.repository } : {};
      assert.equal((await refusal(client, tool, { ...base, ...input() })).code, code);
      const { structuredContent } = await client.callTool({ name: 'codex_job_list', arguments: {} });
      assert.deepEqual((structuredContent as Answer).jobs, []);
    });
  }

  it('keeps tools/list under 36 KB, and every tool has strict input', async () => {
    const list = await client.listTools();
    assert.equal(list.tools.length, operations.length);
    assert.ok(Buffer.byteLength(JSON.stringify(list)) < 36_000);
    for (const tool of list.tools) assert.equal(tool.inputSchema.additionalProperties, false, tool.name);
  });

  it('refuses a key that was used for other work, and answers the same job for the same', async () => {
    const input = { task: 'once', workspace_root: offshoot.repository, idempotency_key: 'a-key' };
    const [one, two] = await Promise.all(
      [input, input].map((each) => client.callTool({ name: 'codex_delegate_async', arguments: each })),
    );
    const [first, second] = [one?.structuredContent, two?.structuredContent] as Answer[];
    assert.equal(first.job_id, second.job_id);
    const error = await refusal(client, 'codex_delegate_async', { ...input, task: 'other' });
    assert.equal(error.code, 'idempotency_conflict');
  });
});

describe('what is missing on the machine is said before anything is spent', { concurrency: 3 }, () => {
  /** A program in place of Codex that answers the sub-commands of the preflight as told. */
  async function double(root: string, answers: Record<string, string>): Promise<string> {
    const program = join(root, 'codex-double');
    const cases = Object.entries(answers).map(([word, commands]) => `${word}) ${commands} ;;`);
    await writeFile(program, `#!/bin/sh\ncase $1 in\n${cases.join('\n')}\nesac\n`);
    await chmod(program, 0o700);
    return program;
  }
  const healthy = {
    '--version': 'echo codex-cli 0.169.0',
    login: 'echo Logged in using ChatGPT',
    sandbox: 'exit 0',
    exec: 'echo "$@" >>"$HOME/spent"',
  };
  const cases: [string, Record<string, string> | null, string][] = [
    ['no Codex at all', null, 'codex_not_found'],
    [
      'Codex is not logged in',
      { ...healthy, login: 'echo Not logged in >&2; exit 1' },
      'codex_auth_required',
    ],
    [
      'the sandbox cannot start',
      { ...healthy, sandbox: 'echo "bwrap: No permissions to create new namespace" >&2; exit 1' },
      'sandbox_unavailable',
    ],
  ];
  for (const [title, answers, code] of cases) {
    it(`${title}: ${code}`, async () => {
      const offshoot = await makeOffshoot();
      try {
        const program =
          answers === null ? join(offshoot.root, 'absent') : await double(offshoot.root, answers);
        offshoot.environment.OFFSHOOT_CODEX_PATH = program;
        await offshoot.start();
        const fault = await offshoot.refusal('codex_delegate_async', {
          task: 'x',
          workspace_root: offshoot.repository,
        });
        assert.equal(fault.code, code);
        const status = await offshoot.call('codex_status');
        assert.equal(status.ready, false);
        assert.equal(status.problem.code, code);
        await assert.rejects(readFile(join(offshoot.root, 'home', 'spent')));
      } finally {
        await offshoot.remove();
      }
    });
  }

  it('the command backend without a command', async () => {
    const offshoot = await makeOffshoot({ environment: { OFFSHOOT_BACKEND: 'command' } });
    try {
      await offshoot.start();
      const fault = await offshoot.refusal('codex_delegate_async', {
        task: 'x',
        workspace_root: offshoot.repository,
      });
      assert.equal(fault.code, 'command_not_set');
    } finally {
      await offshoot.remove();
    }
  });

  it('a queue that is full', async () => {
    const offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: 'exec sleep 600',
        OFFSHOOT_MAX_RUNNING: '1',
        OFFSHOOT_MAX_QUEUED: '1',
      },
    });
    try {
      await offshoot.start();
      const running = await offshoot.delegate('running');
      await offshoot.reach(running, 'running');
      await offshoot.delegate('waits');
      const fault = await offshoot.refusal('codex_delegate_async', {
        task: 'x',
        workspace_root: offshoot.repository,
      });
      assert.equal(fault.code, 'queue_full');
      assert.ok(fault.retryAfterMs > 0);
      await offshoot.call('codex_job_cancel', { job_id: running });
      await offshoot.result(running);
    } finally {
      await offshoot.remove();
    }
  });

  it('a turn that failed although Codex ended with 0 is no success', async () => {
    const offshoot = await makeOffshoot();
    try {
      offshoot.environment.OFFSHOOT_CODEX_PATH = await double(offshoot.root, {
        ...healthy,
        exec: `cat >/dev/null
echo '{"type":"thread.started","thread_id":"t"}'
echo '{"type":"turn.started"}'
echo '{"type":"turn.failed","error":{"message":"It went wrong."}}'`,
      });
      await offshoot.start();
      const result = await offshoot.result(await offshoot.delegate('fail quietly'));
      assert.equal(result.status, 'failed');
      assert.match(result.error.message, /It went wrong/);
    } finally {
      await offshoot.remove();
    }
  });

  it('a daemon that cannot start is said over MCP and on the command line', async () => {
    const offshoot = await makeOffshoot();
    try {
      const blocked = join(offshoot.root, 'blocked');
      await writeFile(blocked, 'no directory');
      const environment = { ...offshoot.environment, OFFSHOOT_STATE_DIR: join(blocked, 'state') };
      await assert.rejects(connect(environment), /state directory/);
      const failed = await execute(process.execPath, [commandLine, 'list'], { env: environment }).then(
        () => null,
        (error: { code: number; stderr: string }) => error,
      );
      assert.equal(failed?.code, 1);
      assert.match(failed?.stderr ?? '', /state directory/);
    } finally {
      await offshoot.remove();
    }
  });
});
