import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { build } from 'esbuild';
import type { BrowserContext, Page } from 'playwright-core';
import { hang, type Reply, run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { assertAccessible, noBrowser, pageOf, startBrowser } from '../support/browser.js';
import { packageDirectory } from '../support/imports.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

/** The model waits here until the test opens the gate. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
}

describe('the page in Chromium', { skip: noBrowser }, () => {
  let model: ScriptedModel;
  let offshoot: Offshoot;
  let context: BrowserContext;
  let page: Page;
  let url: string;
  let token: string;
  let closeBrowser: () => Promise<void>;
  const edited = gate();
  const scripts: Record<string, () => Reply | Promise<Reply>> = {
    'edit <b>a.txt</b>': async () => {
      await edited.opened;
      return run("printf 'one\\n<script>2</script>\\nthree\\n' > a.txt");
    },
    hang: () => hang('request'),
  };

  before(async () => {
    model = await startScriptedModel(({ task, step }) =>
      step === 0 || task === 'hang' ? (scripts[task]?.() ?? say('Nothing to do.')) : say('Edited <i>it</i>.'),
    );
    offshoot = await makeOffshoot({ model, environment: { OFFSHOOT_MAX_ATTEMPTS: '1' } });
    await offshoot.start();
    ({ context, close: closeBrowser } = await startBrowser());
    ({ url, token } = await pageOf(offshoot));
    page = await context.newPage();
    await page.goto(`${url}#token=${token}`);
  });
  after(async () => {
    await closeBrowser?.();
    await offshoot.remove();
    await model.close();
  });

  const lit = (state: string) => page.locator(`[data-state=${state}].lit`);
  const openPage = (path: string) => page.goto(`${url}#/${path}`);

  it('says what to do while there are no jobs, and keeps no token in the address', async () => {
    await page.getByRole('heading', { name: 'No jobs yet' }).waitFor();
    assert.equal(page.url(), url);
  });

  it('shows a job move through the chart while the daemon runs it, and then its patch', async () => {
    await openPage('chart');
    const id = await offshoot.delegate('edit <b>a.txt</b>', { label: 'edits' });
    await lit('running').waitFor();
    await lit('running').getByText('1 job').waitFor();
    await openPage(`job/${id}`);
    await lit('running').waitFor();
    await page.getByText('The agent begins.').waitFor();
    edited.open();
    await lit('done').waitFor();
    await page.getByText('$').first().waitFor();
    await page.getByText('+<script>2</script>').waitFor();
    await page.locator('.summary').getByText('Edited <i>it</i>.').waitFor();
    await page.getByText(`offshoot patch ${id} | git apply`).waitFor();
    assert.equal(await page.locator('.edge.walked').count(), 4);
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ]);
    const path = await saved.path();
    await offshoot.git('apply', '--check', path);
  });

  it('lists jobs, finds them by their label, and goes through them by the keyboard', async () => {
    await openPage('');
    await page.getByText('1 of 1 jobs').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('nothing like it');
    await page.getByText('No job fits these filters.').waitFor();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('EDIT');
    await page.getByRole('link', { name: 'edits' }).waitFor();
    await page.locator('main').focus();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'edits' }).waitFor();
  });

  it('cancels a job once that was confirmed', async () => {
    const id = await offshoot.delegate('hang', { label: 'hangs' });
    await offshoot.reach(id, 'running');
    await openPage(`job/${id}`);
    await page.getByRole('cell', { name: 'codex' }).first().waitFor();
    await page.getByRole('button', { name: 'Cancel job' }).click();
    await page.getByRole('button', { name: 'Keep it running' }).click();
    assert.equal((await offshoot.call('codex_job_status', { job_id: id })).stopping, null);
    await page.getByRole('button', { name: 'Cancel job' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel job' }).click();
    await lit('cancelled').waitFor();
    assert.equal((await offshoot.result(id)).status, 'cancelled');
  });

  it('has no serious fault that axe finds, in any view, light or dark', async () => {
    const jobs = await offshoot.call('codex_job_list');
    const ids = jobs.jobs.map(({ job_id: id }: { job_id: string }) => id);
    const views = {
      '': '.jobs',
      chart: '.chart',
      [`job/${ids[1]}`]: '.file',
      [`compare/${ids.join('/')}`]: '.file',
    };
    await assertAccessible(page, openPage, views);
  });

  it('says that the daemon was killed, and is there again with it', async () => {
    const id = await offshoot.delegate('hang', { label: 'survives' });
    await offshoot.reach(id, 'running');
    await openPage(`job/${id}`);
    await page.getByText('The agent begins.').waitFor();
    await offshoot.kill();
    await page.getByRole('alert').getByText('The daemon is not there.').waitFor();
    await offshoot.start();
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await lit('running').waitFor();
    await page.getByText('The agent begins.').waitFor();
  });

  it('shows nothing to who has no token, and says how to get one', async () => {
    const stranger = await context.newPage();
    // A tab has a token of its own, or none.
    await stranger.goto(url);
    await stranger.getByRole('heading', { name: 'This page needs a token' }).waitFor();
    assert.doesNotMatch(await stranger.content(), /survives|hangs|edits/);
    await stranger.close();
  });

  it("hands on to Stately's inspector in its frame what happens, once that says that it is there", async () => {
    // In place of the inspector, which needs the internet: the receiver of its own package.
    const bundle = await build({
      stdin: {
        contents: `import { createBrowserReceiver } from '@statelyai/inspect';
          createBrowserReceiver().subscribe(({ type, sessionId }) => {
            document.body.append(type + ' ' + sessionId + ' ');
          });`,
        resolveDir: packageDirectory,
      },
      bundle: true,
      write: false,
      format: 'iife',
      platform: 'browser',
    });
    const html = `<body><script>${bundle.outputFiles[0]?.text.replaceAll('</script', '<\\/script')}</script>`;
    const bridge = await context.newPage();
    await bridge.route('https://stately.ai/**', (route) =>
      route.fulfill({ contentType: 'text/html', body: html }),
    );
    await bridge.goto(`${url}stately#token=${token}`);
    const { jobs } = await offshoot.call('codex_job_list', { limit: 1 });
    const frame = bridge.frameLocator('#inspector');
    await frame.getByText(`@xstate.actor ${jobs[0].job_id}`).waitFor();
    await frame.getByText(`@xstate.snapshot ${jobs[0].job_id}`).waitFor();
    const words = bridge.getByRole('status');
    await words.waitFor({ state: 'hidden' });
    await offshoot.kill();
    await words.getByText('The daemon is not there.').waitFor();
    await offshoot.start();
    await words.waitFor({ state: 'hidden' });
    await bridge.close();
  });

  it('loads nothing from elsewhere', async () => {
    const asked: string[] = [];
    const watched = await context.newPage();
    watched.on('request', (request) => asked.push(new URL(request.url()).origin));
    await watched.goto(`${url}#token=${token}`);
    await watched.getByText('jobs').first().waitFor();
    assert.deepEqual([...new Set(asked)], [new URL(url).origin]);
    await watched.close();
  });
});
