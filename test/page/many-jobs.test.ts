import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { fillQueue } from '../../bench/support/filled-store.js';
import { noBrowser, pageOf, startBrowser } from '../support/browser.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

const JOBS = 10_000;
const MOST_ROWS = 80;

describe('the page with ten thousand jobs', { skip: noBrowser }, () => {
  let offshoot: Offshoot;
  let page: Page;
  let closeBrowser: () => Promise<void>;

  before(async () => {
    // Jobs that end at once, so that the list changes all the time.
    offshoot = await makeOffshoot({
      environment: { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: 'true', OFFSHOOT_MAX_RUNNING: '1' },
    });
    await fillQueue(offshoot, JOBS);
    await offshoot.start();
    const browser = await startBrowser({ viewport: { width: 1280, height: 800 } });
    closeBrowser = browser.close;
    page = await browser.context.newPage();
    await page.goto((await pageOf(offshoot)).address);
  });
  after(async () => {
    await closeBrowser?.();
    await offshoot.remove();
  });

  it('has all of them in its list and draws only those in sight, while they change', async () => {
    await page.getByText('10.0 k of 10.0 k jobs').waitFor();
    await page.locator('main').focus();
    await page.keyboard.press('End');
    // The job at an end may move on at once, and the mark with it: what is drawn tells where the list is.
    await page.locator('.job[aria-posinset="10000"]').waitFor();
    for (let pages = 0; pages < 40; pages += 1) await page.keyboard.press('PageUp');
    await page.keyboard.press('Home');
    await page.locator('.job[aria-posinset="1"]').waitFor();
    await page.getByRole('searchbox').fill('nothing like it');
    await page.getByText('No job fits these filters.').waitFor();
    await page.getByRole('searchbox').fill('');
    await page.getByText('10.0 k of 10.0 k jobs').waitFor();
    assert.ok((await page.locator('.job').count()) < MOST_ROWS);
  });
});
