import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { noBrowser, pageOf, startBrowser } from '../support/browser.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

describe('patches on the page, in Chromium', { skip: noBrowser }, () => {
  let offshoot: Offshoot;
  let page: Page;
  let url: string;
  let closeBrowser: () => Promise<void>;

  before(async () => {
    // The task is what the agent does.
    offshoot = await makeOffshoot({
      environment: { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: 'exec sh' },
    });
    await offshoot.start();
    const browser = await startBrowser({ permissions: ['clipboard-read', 'clipboard-write'] });
    closeBrowser = browser.close;
    const opened = await pageOf(offshoot);
    url = opened.url;
    page = await browser.context.newPage();
    await page.goto(opened.address);
  });
  after(async () => {
    await closeBrowser?.();
    await offshoot.remove();
  });

  const openPage = (path: string) => page.goto(`${url}#/${path}`);
  const done = async (task: string) => {
    const id = await offshoot.delegate(task);
    assert.equal((await offshoot.result(id)).status, 'done');
    return id;
  };

  it('are copied as they are', async () => {
    const id = await done("printf 'caf\\303\\251\\r\\n' > a.txt");
    await openPage(`job/${id}`);
    await page.getByRole('button', { name: 'Copy patch' }).click();
    await page.getByText('Copied').waitFor();
    const copied = await page.evaluate<string>('navigator.clipboard.readText()');
    assert.equal(copied, (await offshoot.result(id)).patch.toString());
  });

  it('that are not UTF-8 are only handed out as a file', async () => {
    const id = await done("printf 'caf\\351\\n' > a.txt");
    await openPage(`job/${id}`);
    await page.getByText('It is not all UTF-8, and cannot be copied: download it.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Copy patch' }).count(), 0);
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).click(),
    ]);
    await offshoot.git('apply', '--check', await saved.path());
  });

  it('that change one file meet in a comparison, also where one gives it another name', async () => {
    const edit = await done('echo four >> a.txt');
    const rename = await done('mv a.txt b.txt');
    await openPage(`compare/${edit}/${rename}`);
    await page.getByText('One file is changed by more than one of them: a.txt.').waitFor();
    assert.equal(await page.locator('.file').getByText('in 2 patches').count(), 2);
  });

  it('are told to have no file in common once all of them are there', async () => {
    const edit = await done('echo four >> a.txt');
    const later = await offshoot.delegate('until [ -e "$HOME/go" ]; do sleep 0.05; done; echo new > new.txt');
    await offshoot.reach(later, 'running');
    await openPage(`compare/${edit}/${later}`);
    await page.locator('.file').first().waitFor();
    const words = page.locator('.lead');
    const none = 'No file is changed by more than one of them.';
    assert.equal(await words.innerText(), `Not every patch is here in full. As far as they are: ${none}`);
    await writeFile(join(offshoot.environment.HOME ?? '', 'go'), '');
    await page.getByText('new.txt').waitFor();
    assert.equal(await words.innerText(), none);
  });
});
