import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

describe('what is told before anything is spent', () => {
  let model: ScriptedModel;
  let offshoot: Offshoot;

  before(async () => {
    model = await startScriptedModel(({ step }) => (step === 0 ? run('echo done > done.txt') : say('Done.')));
    offshoot = await makeOffshoot({ model });
    await writeFile(join(offshoot.repository, 'a.txt'), 'changed\n');
    await offshoot.start();
  });
  after(async () => {
    await offshoot.remove();
    await model.close();
  });

  const dryRun = (over: object = {}) =>
    offshoot.call('codex_delegate_dry_run', { task: 'do it', workspace_root: offshoot.repository, ...over });

  it('is the baseline that the job then has; no model is asked, and nothing is left', async () => {
    const cold = await dryRun();
    assert.deepEqual([cold.ready, cold.uncommitted_files, cold.warm], [true, 1, false]);
    assert.deepEqual([await offshoot.slots(), model.requests().length], [[], 0]);
    const result = await offshoot.result(await offshoot.delegate('do it'));
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    assert.equal(result.baseline_commit, cold.baseline_commit);
    const asked = model.requests().length;
    assert.equal((await dryRun()).warm, true);
    assert.equal(model.requests().length, asked);
  });

  it('is the models of the real Codex, with the one of the configuration', async () => {
    const { model: chosen, models } = await offshoot.call('codex_models');
    assert.equal(chosen, 'gpt-5.5');
    assert.ok(models.some((each: { model: string }) => each.model === chosen));
    const status = await offshoot.call('codex_status');
    assert.deepEqual([status.ready, status.rate_limits], [true, null]);
  });

  it('is that an argument would weaken the job; one that does not reaches the model', async () => {
    const weak = {
      task: 'weak',
      workspace_root: offshoot.repository,
      extra_args: ['--sandbox', 'read-only'],
    };
    for (const verb of ['codex_delegate_async', 'codex_delegate_dry_run']) {
      assert.equal((await offshoot.refusal(verb, weak)).code, 'extra_args_rejected');
    }
    assert.equal(model.requests('weak').length, 0);
    const id = await offshoot.delegate('terse', { extra_args: ['-c', 'model_verbosity=low'] });
    assert.equal((await offshoot.result(id)).status, 'done');
    const [asked] = model.requests('terse');
    assert.deepEqual(asked?.body.text, { verbosity: 'low' });
  });
});
