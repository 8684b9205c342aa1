import assert from 'node:assert/strict';
import { access, appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cut, fail, hang, leave, type Reply, refuseHttp, run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { attemptLayout } from '../../src/job/layout.js';
import { hostOf, started } from '../support/hosts.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

/** Beats every tenth of a second until it is killed, however it left its shell. */
const beat = (name: string) => `while :; do echo . >> ${name}; sleep 0.1; done`;
/** Tries to write into the checkout of every job there is. */
const intrude =
  'for checkout in "$PWD"/../../*/wt; do echo was here > "$checkout/intruder" || echo refused; done';

/** What the model does for each task, step by step; the last reply is repeated. */
const scripts: Record<string, Reply[]> = {
  'edit a file': [run("printf 'one\\n2\\nthree\\n' > a.txt"), say('Edited.')],
  'intrude, once': [run(`echo $TMPDIR > own.txt; echo x > $TMPDIR/x; ${intrude}`), say('Tried.')],
  'intrude, twice': [run(`echo $TMPDIR > own.txt; echo x > $TMPDIR/x; ${intrude}`), say('Tried.')],
  'beat on': [run(`${beat('beats')} & setsid sh -c '${beat('detached')}' & wait`)],
  'beat beside': [run(`${beat('beats')} & wait`)],
  'leave a terminal': [leave(`setsid sh -c '${beat('left')}' & ${beat('beats')}`), say('Left.')],
  'show variables': [run('env | sort > env.txt'), say('Shown.')],
  unauthorized: [refuseHttp(401, '{"error":{"message":"bad key"}}')],
  limited: [refuseHttp(429, '{"error":{"message":"slow down"}}')],
  'limit reached': [refuseHttp(429, '{"error":{"type":"usage_limit_reached","message":"limit"}}')],
  broken: [refuseHttp(500, '{"error":{"message":"oops"}}')],
  'cut off': [cut()],
  'too long': [fail('context_length_exceeded', 'too long')],
  'hang up': [run('echo started > started.txt'), hang('request')],
};

describe('jobs in threads of an app-server', { concurrency: 4 }, () => {
  let model: ScriptedModel;
  let offshoot: Offshoot;
  let releaseIntruders: () => void = () => undefined;
  const intruders = new Promise<void>((resolve) => {
    releaseIntruders = resolve;
  });

  before(async () => {
    let waiting = 0;
    model = await startScriptedModel(async ({ task, step }) => {
      if (task.startsWith('intrude') && step === 0) {
        waiting += 1;
        if (waiting === 2) releaseIntruders();
        await intruders;
      }
      const replies = scripts[task] ?? [];
      return replies[Math.min(step, replies.length - 1)] ?? say('Nothing to do.');
    });
    offshoot = await makeOffshoot({
      model,
      environment: {
        OFFSHOOT_BACKEND: 'codex-app-server',
        OFFSHOOT_MAX_ATTEMPTS: '1',
        OFFSHOOT_SILENCE_SECONDS: '30',
      },
    });
    // What the user lets their own Codex do is not what a job may do.
    await appendFile(
      join(offshoot.root, 'codex-home', 'config.toml'),
      `[sandbox_workspace_write]\nnetwork_access = true\nwritable_roots = [${JSON.stringify(offshoot.root)}]\n`,
    );
    await mkdir(join(offshoot.repository, '.codex'));
    await writeFile(
      join(offshoot.repository, '.codex', 'config.toml'),
      `[mcp_servers.theirs]\ncommand = "touch"\nargs = [${JSON.stringify(startedByCheckout())}]\n`,
    );
    await offshoot.git('add', '.');
    await offshoot.git('commit', '--quiet', '--message', 'configuration');
    await offshoot.start();
  });
  after(async () => {
    await offshoot.remove();
    await model.close();
  });

  /** There once an MCP server was started that the repository configures. */
  const startedByCheckout = () => join(offshoot.root, 'started by a checkout');

  /** The bytes that a job's beats have now; grows while they live. */
  const beats = async (jobId: string, name: string) => {
    const { stateDir } = offshoot;
    for (const repository of await readdir(join(stateDir, 'repositories')).catch(() => [])) {
      const file = join(stateDir, 'repositories', repository, 'slots', jobId, 'wt', name);
      const found = await readFile(file).catch(() => null);
      if (found !== null) return found.length;
    }
    return 0;
  };
  const beaten = async (jobId: string, name: string, more = 1) => {
    const before = await beats(jobId, name);
    while ((await beats(jobId, name)) < before + more)
      await new Promise((resolve) => setTimeout(resolve, 20));
  };

  it('give patches as those of their own process do', async () => {
    const id = await offshoot.delegate('edit a file');
    const result = await offshoot.result(id);
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    assert.equal(result.summary, 'Edited.');
    assert.ok(result.thread_id);
    assert.equal(result.usage.input_tokens, 200);
    assert.match(result.patch.toString(), /^\+2$/m);
    assert.deepEqual(result.warnings, []);
    assert.ok(await hostOf(offshoot.stateDir, id));
    const attempt = attemptLayout(offshoot.stateDir, id, 1);
    for (const path of [attempt.prompt, attempt.claim]) await assert.rejects(access(path));
  });

  it('are configured by no checkout', async () => {
    const result = await offshoot.result(await offshoot.delegate('edit a file'));
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    await assert.rejects(access(startedByCheckout()), { code: 'ENOENT' });
  });

  it('may write their own checkout and TMPDIR, and no other, whatever the user lets Codex write', async () => {
    const ids = await Promise.all(['intrude, once', 'intrude, twice'].map((task) => offshoot.delegate(task)));
    for (const id of ids) {
      const result = await offshoot.result(id);
      assert.equal(result.status, 'done', JSON.stringify(result.error));
      assert.deepEqual(
        result.files.map(({ path }: { path: string }) => path),
        ['intruder', 'own.txt'],
      );
      assert.match(result.patch.toString(), new RegExp(`^\\+.*/jobs/${id}/tmp$`, 'm'));
    }
    const asked = model.requests('intrude, once').at(-1);
    assert.match(asked?.outputs.join() ?? '', /refused/);
  });

  it('keep the secrets of the app-server from their commands, and are marked', async () => {
    const id = await offshoot.delegate('show variables');
    const patch = (await offshoot.result(id)).patch.toString();
    assert.match(patch, new RegExp(`^\\+OFFSHOOT_JOB=${id}$`, 'm'));
    assert.match(patch, /^\+GIT_CEILING_DIRECTORIES=/m);
    assert.doesNotMatch(patch, /no-secret/);
  });

  it('end with all their commands when they are cancelled, and the neighbour goes on', async () => {
    const [cancelled, beside] = await Promise.all([
      offshoot.delegate('beat on'),
      offshoot.delegate('beat beside'),
    ]);
    await Promise.all([beaten(cancelled, 'beats'), beaten(cancelled, 'detached'), beaten(beside, 'beats')]);
    assert.equal(await hostOf(offshoot.stateDir, cancelled), await hostOf(offshoot.stateDir, beside));
    await offshoot.call('codex_job_cancel', { job_id: cancelled });
    const result = await offshoot.result(cancelled);
    assert.equal(result.status, 'cancelled');
    assert.match(result.patch.toString(), /detached/);
    await beaten(beside, 'beats', 3);
    await offshoot.call('codex_job_cancel', { job_id: beside });
    assert.equal((await offshoot.result(beside)).status, 'cancelled');
  });

  it('leave no terminal behind: what a turn left running is dead before the patch is taken', async () => {
    const id = await offshoot.delegate('leave a terminal');
    const result = await offshoot.result(id);
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    assert.match(result.patch.toString(), /left/);
    const marked = await Promise.all(
      (await offshoot.agents()).map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')),
    );
    assert.deepEqual(
      marked.filter((environment) => environment.includes(`OFFSHOOT_JOB=${id}`)),
      [],
    );
  });

  it('end at their deadline', async () => {
    const id = await offshoot.delegate('hang up', { deadline_seconds: 2 });
    const result = await offshoot.result(id);
    assert.equal(result.status, 'expired', JSON.stringify(result.error));
  });

  for (const [task, code] of [
    ['unauthorized', 'codex_auth_required'],
    ['limited', 'codex_rate_limited'],
    ['limit reached', 'codex_usage_limit'],
    ['broken', 'model_unavailable'],
    ['cut off', 'model_unavailable'],
    ['too long', 'context_too_large'],
  ] as const) {
    it(`fail as ${code} when the model is ${task}`, async () => {
      const result = await offshoot.result(await offshoot.delegate(task));
      assert.equal(result.status, 'failed');
      assert.equal(result.error.code, code, JSON.stringify(result.error));
    });
  }

  it('run by themselves where less of the configuration is to count than the others have', async () => {
    const id = await offshoot.delegate('edit a file', { isolation: 'ignore-rules' });
    await started(attemptLayout(offshoot.stateDir, id, 1).process);
    assert.equal(await hostOf(offshoot.stateDir, id), null);
    // Without the user's configuration it would ask a model that is not ours.
    await offshoot.call('codex_job_cancel', { job_id: id });
    assert.equal((await offshoot.result(id)).status, 'cancelled');
  });
});
