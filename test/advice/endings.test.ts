import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fail, hang, type Reply, refuseHttp, say, stopShort } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { attemptLayout } from '../../src/job/layout.js';
import { appears } from '../support/git-gate.js';
import { started } from '../support/hosts.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';
import { restart, run, SHELL_AGENT, withOffshoot } from './world.js';

async function endsWith(offshoot: Offshoot, code: string, task: string, input: object = {}) {
  const id = await offshoot.delegate(task, input);
  const result = await offshoot.result(id);
  assert.equal(result.error?.code, code, JSON.stringify(result.error));
  return { id, advice: String(result.error.advice), patch: result.patch as Buffer | null };
}

async function endsAsDone(offshoot: Offshoot, task = 'true', input: object = {}) {
  const result = await offshoot.result(await offshoot.delegate(task, input));
  assert.equal(result.status, 'done', JSON.stringify(result.error));
  return result;
}

const shell = (use: (offshoot: Offshoot) => Promise<void>, environment: Record<string, string> = {}) =>
  withOffshoot({ environment: { ...SHELL_AGENT, ...environment } }, async (offshoot) => {
    await offshoot.start();
    await use(offshoot);
  });

const VERDICT = JSON.stringify({ summary: 'Fine.', verdict: 'pass', confidence: 'high', findings: [] });

/** A job of the real Codex whose model first answers so, and later says that it is done. */
async function codex(
  first: Reply,
  use: (offshoot: Offshoot, recover: (words?: string) => void) => Promise<void>,
  environment: Record<string, string> = {},
): Promise<void> {
  let reply = first;
  const model = await startScriptedModel(() => reply);
  try {
    await withOffshoot(
      { model, environment: { OFFSHOOT_MAX_ATTEMPTS: '1', ...environment } },
      async (offshoot) => {
        await offshoot.start();
        await use(offshoot, (words = 'Done.') => {
          reply = say(words);
        });
      },
    );
  } finally {
    await model.close();
  }
}

/** Each test's job ends with the code that its title begins with; the test does what is advised, and gets past it. */
describe('the advice of a job that did not end as done', { concurrency: 3 }, () => {
  // For tests that leave daemon and repository as they are: starting a daemon costs more than a job.
  let ofShell: Offshoot;
  let ofCodex: Offshoot;
  let model: ScriptedModel;
  /** What the model says to a task; that it is done, where nothing stands here. */
  const replies = new Map<string, Reply>();
  before(async () => {
    model = await startScriptedModel(({ task }) => replies.get(task) ?? say('Done.'));
    ofShell = await makeOffshoot({ environment: SHELL_AGENT });
    ofCodex = await makeOffshoot({ model, environment: { OFFSHOOT_MAX_ATTEMPTS: '1' } });
    await Promise.all([ofShell.start(), ofCodex.start()]);
  });
  after(async () => {
    await Promise.all([ofShell.remove(), ofCodex.remove()]);
    await model.close();
  });
  const shared = (use: (offshoot: Offshoot) => Promise<void>) => use(ofShell);

  it('cancelled: take the patch so far, and start a new job if the work is still wanted', () =>
    shared(async (offshoot) => {
      const id = await offshoot.delegate('echo half >>a.txt; : >"$HOME/half"; sleep 600');
      await offshoot.reach(id, 'running');
      await appears(join(offshoot.root, 'home'), 'half');
      await offshoot.call('codex_job_cancel', { job_id: id });
      const result = await offshoot.result(id);
      assert.equal(result.error.code, 'cancelled');
      assert.match(result.patch.toString(), /\+half/);
      await endsAsDone(offshoot, 'echo whole >>a.txt');
    }));

  it('deadline_passed: a longer deadline_seconds', () =>
    shared(async (offshoot) => {
      const go = join(offshoot.root, 'go');
      const task = `until [ -e ${go} ]; do sleep 0.02; done`;
      const { advice } = await endsWith(offshoot, 'deadline_passed', task, { deadline_seconds: 1 });
      assert.match(advice, /deadline_seconds/);
      await writeFile(go, '');
      await endsAsDone(offshoot, task, { deadline_seconds: 600 });
    }));

  it('queue_deadline_passed: start it again when the queue is shorter', () =>
    shell(
      async (offshoot) => {
        const hanging = await offshoot.delegate('sleep 600');
        await endsWith(offshoot, 'queue_deadline_passed', 'true');
        await offshoot.call('codex_job_cancel', { job_id: hanging });
        await offshoot.result(hanging);
        await restart(offshoot, { OFFSHOOT_QUEUE_SECONDS: '600' });
        await endsAsDone(offshoot);
      },
      { OFFSHOOT_MAX_RUNNING: '1', OFFSHOOT_QUEUE_SECONDS: '1' },
    ));

  it('base_ref_not_found: pass one that git finds', () =>
    shared(async (offshoot) => {
      await endsWith(offshoot, 'base_ref_not_found', 'true', { base_ref: 'no-such-branch' });
      await endsAsDone(offshoot, 'true', { base_ref: (await offshoot.git('rev-parse', 'HEAD')).trim() });
    }));

  it('unmerged_index: finish or abort the merge', () =>
    shell(async (offshoot) => {
      await offshoot.git('checkout', '--quiet', '-b', 'other');
      await writeFile(join(offshoot.repository, 'a.txt'), 'theirs\n');
      await offshoot.git('commit', '--quiet', '-am', 'theirs');
      await offshoot.git('checkout', '--quiet', 'main');
      await writeFile(join(offshoot.repository, 'a.txt'), 'ours\n');
      await offshoot.git('commit', '--quiet', '-am', 'ours');
      await offshoot.git('merge', 'other').catch(() => undefined);
      await endsWith(offshoot, 'unmerged_index', 'true');
      await offshoot.git('merge', '--abort');
      await endsAsDone(offshoot);
    }));

  it('git_not_found: have the daemon find git on PATH', () =>
    withOffshoot({ environment: SHELL_AGENT }, async (offshoot) => {
      const { PATH } = offshoot.environment;
      offshoot.environment.PATH = join(offshoot.root, 'nothing');
      await offshoot.start();
      const fault = await offshoot
        .call('codex_delegate_async', {
          task: 'true',
          workspace_root: offshoot.repository,
        })
        .catch((refused: Error) => refused);
      const code = fault instanceof Error ? fault.message : (await offshoot.result(fault.job_id)).error.code;
      assert.match(code, /git_not_found/);
      await restart(offshoot, { PATH });
      await endsAsDone(offshoot);
    }));

  it('repository_not_trusted: declare it safe', { skip: process.getuid?.() !== 0 }, () =>
    shell(async (offshoot) => {
      await offshoot.git('config', '--local', 'core.fsmonitor', 'false');
      for (const path of [offshoot.repository, join(offshoot.repository, '.git')])
        await chown(path, 65_534, 65_534);
      const { advice } = await endsWith(offshoot, 'repository_not_trusted', 'true');
      assert.match(advice, /git config --global --add safe\.directory/);
      await offshoot.git('config', '--global', '--add', 'safe.directory', offshoot.repository);
      await endsAsDone(offshoot);
    }),
  );

  it('worktree_failed: mend the repository', () =>
    shell(async (offshoot) => {
      const blob = (await offshoot.git('rev-parse', 'HEAD:a.txt')).trim();
      const file = join(offshoot.repository, '.git', 'objects', blob.slice(0, 2), blob.slice(2));
      await rename(file, `${file}.lost`);
      const { advice } = await endsWith(offshoot, 'worktree_failed', 'true', { base_ref: 'HEAD' });
      assert.match(advice, /mend the repository/);
      await rename(`${file}.lost`, file);
      await endsAsDone(offshoot, 'true', { base_ref: 'HEAD' });
    }));

  it('patch_failed: what the agent did is in its log', () =>
    shared(async (offshoot) => {
      const task = 'echo "cleans up"; rm -rf "$PWD"';
      const { id, advice } = await endsWith(offshoot, 'patch_failed', task);
      assert.match(advice, /events/);
      assert.match((await run(offshoot, 'logs', id)).output, /cleans up/);
      await endsAsDone(offshoot);
    }));

  it('patch_too_large: the rest is in the result; have what is generated ignored', () =>
    shell(async (offshoot) => {
      const task = 'echo more >>a.txt; truncate -s 1100M core.dump';
      const { id, advice, patch } = await endsWith(offshoot, 'patch_too_large', task);
      assert.match(advice, /ignored by \.gitignore/);
      assert.match(String(patch), /\+more/);
      const { error, warnings } = await offshoot.result(id);
      assert.match(error.message, /without "core\.dump" \(1153433600 bytes\)/);
      assert.deepEqual(
        warnings.filter((warning: string) => warning.includes('core.dump')),
        [],
      );
      await writeFile(join(offshoot.repository, '.gitignore'), '*.dump\n');
      await offshoot.git('add', '.gitignore');
      await endsAsDone(offshoot, task);
    }));

  it('agent_exited: read its last words, and mend what they name', () =>
    shared(async (offshoot) => {
      const id = await offshoot.delegate('echo "no rule for target" >&2; exit 2');
      const result = await offshoot.result(id);
      assert.equal(result.error.code, 'agent_exited');
      assert.match(result.error.message, /no rule for target/);
      await endsAsDone(offshoot);
    }));

  it('agent_killed: see who ends processes, then start the job again', () =>
    shared(async (offshoot) => {
      const { advice } = await endsWith(offshoot, 'agent_killed', 'kill -9 $$');
      assert.match(advice, /start the job again/);
      await endsAsDone(offshoot);
    }));

  it('output_too_large: a quieter agent', () =>
    shared(async (offshoot) => {
      const { patch } = await endsWith(offshoot, 'output_too_large', 'echo more >>a.txt; timeout 60 yes');
      assert.match(String(patch), /\+more/);
      await endsAsDone(offshoot, 'yes | head -n 10');
    }));

  it('agent_silent: see that the model can be reached', () =>
    codex(
      hang('request'),
      async (offshoot, recover) => {
        await endsWith(offshoot, 'agent_silent', 'the work');
        recover();
        await restart(offshoot, { OFFSHOOT_SILENCE_SECONDS: '600' });
        await endsAsDone(offshoot, 'the work');
      },
      { OFFSHOOT_SILENCE_SECONDS: '2' },
    ));

  it('agent_not_started: codex_status names what is missing', () =>
    withOffshoot({}, async (offshoot) => {
      // Found by every check, and then it cannot be started: its interpreter is gone.
      const program = join(offshoot.root, 'bin', 'codex');
      await mkdir(dirname(program));
      const script = `#!/bin/sh\n[ "$1" = exec ] && exec "${program}.missing"\n[ "$1" = --version ] && echo codex-cli 0.169.0\nexit 0\n`;
      await writeFile(program, script);
      await chmod(program, 0o755);
      const real = offshoot.environment.OFFSHOOT_CODEX_PATH;
      Object.assign(offshoot.environment, { OFFSHOOT_CODEX_PATH: program, CODEX_API_KEY: 'no-secret' });
      await offshoot.start();
      await endsWith(offshoot, 'agent_not_started', 'the work');
      await restart(offshoot, { OFFSHOOT_CODEX_PATH: real });
      assert.equal((await offshoot.call('codex_status')).problem, null);
    }));

  const laterAgain: Record<string, Reply> = {
    codex_rate_limited: refuseHttp(429, 'slow down'),
    codex_usage_limit: refuseHttp(429, {
      error: { type: 'usage_limit_reached', message: 'The usage limit has been reached' },
    }),
    model_unavailable: refuseHttp(503, 'overloaded'),
    agent_failed: stopShort('max_output_tokens'),
  };
  for (const [code, reply] of Object.entries(laterAgain)) {
    it(`${code}: start the job again later`, async () => {
      const task = `ends as ${code}`;
      replies.set(task, reply);
      await endsWith(ofCodex, code, task);
      replies.delete(task);
      await endsAsDone(ofCodex, task);
    });
  }

  it('host_lost: start the job again, in a process of its own', () =>
    codex(
      hang('request'),
      async (offshoot, recover) => {
        const id = await offshoot.delegate('the work');
        await offshoot.reach(id, 'running');
        const host = await started(attemptLayout(offshoot.stateDir, id, 1).process);
        process.kill(host.pid, 'SIGKILL');
        const { error } = await offshoot.result(id);
        assert.equal(error.code, 'host_lost', error.message);
        recover();
        await restart(offshoot, { OFFSHOOT_BACKEND: 'codex-exec' });
        await endsAsDone(offshoot, 'the work');
      },
      { OFFSHOOT_BACKEND: 'codex-app-server' },
    ));

  it('model_rejected: another model', async () => {
    const message = 'The model `none` does not exist.';
    replies.set('by none', refuseHttp(400, { error: { type: 'invalid_request_error', message } }));
    await endsWith(ofCodex, 'model_rejected', 'by none', { model: 'none' });
    await endsAsDone(ofCodex, 'by another', { model: 'gpt-5' });
  });

  it('context_too_large: smaller tasks', async () => {
    replies.set('all of it', fail('context_length_exceeded', 'Your input exceeds the context window.'));
    await endsWith(ofCodex, 'context_too_large', 'all of it');
    await endsAsDone(ofCodex, 'a part of it');
  });

  it('nothing_to_review: another scope', () =>
    codex(say(VERDICT), async (offshoot) => {
      const review = async (input: object) => {
        const asked = { workspace_root: offshoot.repository, ...input };
        const { job_id: id } = await offshoot.call('codex_review_changes_async', asked);
        return offshoot.result(id);
      };
      const nothing = await review({ scope: 'working_tree' });
      assert.equal(nothing.error.code, 'nothing_to_review');
      const commit = await review({ scope: 'commit', ref: 'HEAD' });
      assert.equal(commit.status, 'done', JSON.stringify(commit.error));
    }));

  it('answer_invalid: start the job again', () =>
    codex(say('It seems fine.'), async (offshoot, recover) => {
      const consult = async () => {
        const asked = { question: 'Why?', workspace_root: offshoot.repository };
        const { job_id: id } = await offshoot.call('codex_consult_async', asked);
        return offshoot.result(id);
      };
      const invalid = await consult();
      assert.equal(invalid.error.code, 'answer_invalid');
      assert.equal(invalid.summary, 'It seems fine.');
      recover(JSON.stringify({ summary: 'Because.', findings: [] }));
      assert.equal((await consult()).status, 'done');
    }));

  it('codex_config_rejected: correct the file that Codex names', () =>
    codex(say('Done.'), async (offshoot) => {
      const file = join(offshoot.root, 'codex-home', 'config.toml');
      const good = await readFile(file, 'utf8');
      // The first look of the daemon is over then, and does not find half of what is written.
      await offshoot.call('codex_status');
      await writeFile(file, `no_such_field_of_codex = 1\n${good}`);
      const id = await offshoot.delegate('the work');
      const { error } = await offshoot.result(id);
      assert.equal(error.code, 'codex_config_rejected', error.message);
      assert.match(error.message, /no_such_field_of_codex/);
      await writeFile(file, good);
      await endsAsDone(offshoot, 'the work');
    }));
});
