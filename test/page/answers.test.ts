import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { type Reply, run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { assertAccessible, noBrowser, pageOf, startBrowser } from '../support/browser.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

const finding = {
  severity: 'high',
  title: 'Off by <b>one</b>',
  detail: 'It is.\nTruly.',
  file: 'a.txt',
  line: 2,
};
const findings = [
  finding,
  { ...finding, severity: 'medium', title: 'Old trouble', file: 'tool.sh', line: null },
  { ...finding, severity: 'low', title: 'Far off', file: 'gone.c' },
];

describe('answers on the page, in Chromium', { skip: noBrowser }, () => {
  let model: ScriptedModel;
  let offshoot: Offshoot;
  let context: BrowserContext;
  let page: Page;
  let url: string;
  let closeBrowser: () => Promise<void>;
  const ids = { review: '', consult: '', first: '', second: '' };
  const scripts: Record<string, Reply[]> = {
    CHECK: [say(JSON.stringify({ summary: 'It breaks.', verdict: 'fail', confidence: 'medium', findings }))],
    WHY: [say(JSON.stringify({ summary: 'Because of **this**.', findings: [] }))],
    EDIT: [run('echo edited >> tool.sh'), say('Edited.')],
    AGAIN: [run('echo again >> tool.sh'), say('Edited again.')],
  };

  before(async () => {
    model = await startScriptedModel(({ task, step }) => {
      const key = Object.keys(scripts).find((word) => task.includes(word)) ?? '';
      return scripts[key]?.[step] ?? say('Nothing to do.');
    });
    offshoot = await makeOffshoot({ model, environment: { OFFSHOOT_MAX_ATTEMPTS: '1' } });
    await writeFile(join(offshoot.repository, 'tool.sh'), '#!/bin/sh\n');
    await offshoot.git('add', '.');
    await offshoot.git('commit', '--quiet', '--message', 'second');
    await writeFile(join(offshoot.repository, 'a.txt'), 'one\n2\nthree\n');
    await writeFile(join(offshoot.repository, 'binary'), Buffer.from([0, 1, 2]));
    await offshoot.start();
    ids.first = await offshoot.delegate('EDIT', { label: 'edits', group_id: 'all' });
    await offshoot.result(ids.first);
    ids.second = await offshoot.delegate('AGAIN', {
      label: 'edits more',
      group_id: 'all',
      continues: ids.first,
    });
    const start = async (tool: string, input: object) => (await offshoot.call(tool, input)).job_id;
    ids.review = await start('codex_review_changes_async', {
      workspace_root: offshoot.repository,
      instructions: 'CHECK',
      label: 'looks at it',
    });
    ids.consult = await start('codex_consult_async', { question: 'WHY?', workspace_root: null });
    for (const id of Object.values(ids)) assert.equal((await offshoot.result(id)).status, 'done');
    ({ context, close: closeBrowser } = await startBrowser());
    const { address, url: home } = await pageOf(offshoot);
    url = home;
    page = await context.newPage();
    await page.goto(address);
  });
  after(async () => {
    await closeBrowser?.();
    await offshoot.remove();
    await model.close();
  });

  const openPage = (path: string) => page.goto(`${url}#/${path}`);

  it('shows the verdict of a review, what it covered, and where its findings point', async () => {
    await openPage(`job/${ids.review}`);
    await page.locator('.summary').getByText('It breaks.').waitFor();
    assert.equal(await page.locator('.verdict').innerText(), 'fail confidence medium');
    assert.match(
      await page.locator('.coverage').innerText(),
      /1 of 2 changed files reviewed\s+binary binary/,
    );
    const shown = await page.locator('.finding').allInnerTexts();
    assert.deepEqual(
      shown.map((text) => text.split(/\s*\n+/).join(' | ')),
      [
        'high Off by <b>one</b> | a.txt:2 under review | It is. | Truly.',
        'medium Old trouble | tool.sh not under review | It is. | Truly.',
        'low Far off | gone.c:2 no such file | It is. | Truly.',
      ],
    );
    assert.equal(await page.getByText('git apply').count(), 0);
    assert.equal(await page.getByText('There is no patch').count(), 0);
  });

  it('shows the answer to a question, and that it was about no repository', async () => {
    await openPage(`job/${ids.consult}`);
    await page.getByRole('heading', { name: `Consult ${ids.consult.slice(0, 8)}` }).waitFor();
    await page.locator('.summary').getByText('Because of **this**.').waitFor();
    await page.getByRole('heading', { name: 'No findings' }).waitFor();
    await page.locator('.job-title').getByText('no repository').waitFor();
    assert.equal(await page.locator('.verdict, .coverage').count(), 0);
    assert.equal(await page.getByText('git apply').count(), 0);
  });

  it('leads from a follow-up to the job that it goes on from', async () => {
    await openPage(`job/${ids.second}`);
    await page.getByText('compare the 2 patches of its group').waitFor();
    await page.locator('.facts').getByRole('link', { name: 'edits' }).click();
    await page.getByRole('heading', { name: 'edits', exact: false }).getByText('done').waitFor();
    assert.equal(page.url(), `${url}#/job/${ids.first}`);
  });

  it('tells kinds apart in the list, finds jobs by them, and marks only what has a patch', async () => {
    await openPage('');
    await page.getByText('4 of 4 jobs').waitFor();
    await page.getByRole('searchbox').fill('review');
    await page.getByText('1 of 4 jobs').waitFor();
    assert.match(await page.locator('.job .title').innerText(), /^looks at it\s+review · /);
    assert.ok(await page.getByRole('checkbox').isDisabled());
    await page.locator('main').focus();
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.getByRole('searchbox').fill('edits');
    await page.getByText('2 of 4 jobs').waitFor();
    await page.getByRole('checkbox').first().check();
    await page.getByText('1 marked').waitFor();
  });

  it('leaves out of a comparison what has no patch', async () => {
    await openPage(`compare/${Object.values(ids).join('/')}`);
    await page.getByRole('heading', { name: '2 patches' }).waitFor();
    await page.locator('.file').first().waitFor();
    assert.equal(await page.locator('.side-by-side section').count(), 2);
  });

  it('has no serious fault that axe finds, light or dark', async () => {
    const views = { '': '.jobs', [`job/${ids.review}`]: '.finding', [`job/${ids.second}`]: '.file' };
    await assertAccessible(page, openPage, views);
  });
});
