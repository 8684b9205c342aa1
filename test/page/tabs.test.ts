import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { noBrowser, pageOf, startBrowser } from '../support/browser.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

/** More tabs than a browser has connections for one host. */
const TABS = 7;
/** Together more than is read of the end of a log, each no longer than what is shown of an entry. */
const LINES = 300;
const LINE = '.'.repeat(8_000);
/** More is not shown. */
const MOST_ENTRIES = 2_000;

const numbered = (count: number, name: string) =>
  Array.from({ length: count }, (_, index) => `${name}-${index}`);

/** Gives a tab `hide(true)`, for what happens when another comes in front of it, and `hide(false)`. */
const HIDING = `
  let hidden = false;
  Object.defineProperty(document, 'hidden', { get: () => hidden });
  window.hide = (value) => {
    hidden = value;
    document.dispatchEvent(new Event('visibilitychange'));
  };
`;

describe('tabs of the page that nobody looks at, in Chromium', { skip: noBrowser }, () => {
  let offshoot: Offshoot;
  let context: BrowserContext;
  let url: string;
  let token: string;
  let said: string;
  let closeBrowser: () => Promise<void>;

  before(async () => {
    offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: 'exec tail -n +1 -f "$HOME/said"',
        OFFSHOOT_MAX_RUNNING: '1',
      },
    });
    said = join(offshoot.environment.HOME ?? '', 'said');
    await writeFile(said, 'first\n');
    await offshoot.start();
    ({ context, close: closeBrowser } = await startBrowser());
    // A browser that is driven has each of its tabs think that it is looked at.
    await context.addInitScript({ content: HIDING });
    ({ url, token } = await pageOf(offshoot));
  });
  after(async () => {
    await closeBrowser?.();
    await offshoot.remove();
  });

  const open = async (path: string) => {
    const tab = await context.newPage();
    await tab.goto(`${url}#token=${token}`);
    await tab.goto(`${url}#/${path}`);
    return tab;
  };
  const hide = (tab: Page, value: boolean) => tab.evaluate(`hide(${value})`);
  const state = (tab: Page, name: string) => tab.locator(`[data-state=${name}].lit`).waitFor();

  it('leave the connections of the browser to the one that is looked at', async () => {
    const id = await offshoot.delegate('waits');
    await offshoot.reach(id, 'running');
    const tabs: Page[] = [];
    for (let count = 0; count < TABS; count += 1) {
      const tab = await open(`job/${id}`);
      await tab.locator('.log').getByText('first').waitFor();
      await hide(tab, true);
      tabs.push(tab);
    }
    const last = await open(`job/${id}`);
    await last.getByRole('button', { name: 'Cancel job' }).click();
    await last.getByRole('dialog').getByRole('button', { name: 'Cancel job' }).click();
    await state(last, 'cancelled');
    for (const tab of [...tabs, last]) await tab.close();
  });

  it('tell the daemon that they are there, so that it does not leave as idle', async () => {
    const tab = await context.newPage();
    await tab.clock.install();
    await tab.goto(`${url}#token=${token}`);
    await tab.clock.runFor(1_000);
    await tab.getByText('of 1 jobs').waitFor();
    const [asked] = await Promise.all([
      tab.waitForResponse(`${url}api/here`),
      hide(tab, true).then(() => tab.clock.runFor(120_000)),
    ]);
    assert.equal(asked.status(), 204);
    await tab.close();
  });

  it('show what happened meanwhile when they are looked at again, and every line they had', async () => {
    const id = await offshoot.delegate('talks', { label: 'talks' });
    const gone = await offshoot.delegate('is deleted');
    await offshoot.reach(id, 'running');
    const list = await open('');
    await list.getByText('3 of 3 jobs').waitFor();
    const tab = await open(`job/${id}`);
    await tab.locator('.log').getByText('first').waitFor();
    const long = numbered(LINES, 'long');
    await appendFile(said, long.map((line) => `${line} ${LINE}\n`).join(''));
    await tab
      .locator('.log')
      .getByText(`${long.at(-1)} .`)
      .waitFor();

    await hide(tab, true);
    await hide(list, true);
    await appendFile(said, 'meanwhile\n');
    await offshoot.call('codex_job_cancel', { job_id: gone });
    await offshoot.result(gone);
    await offshoot.call('codex_job_consume_result', { job_id: gone });
    await hide(list, false);
    await list.getByText('2 of 2 jobs').waitFor();
    await hide(tab, false);
    await tab.locator('.log').getByText('meanwhile').waitFor();
    const shown = async () => {
      const texts = await tab.locator('.log li .text').allInnerTexts();
      return texts.map((text) => text.split(' ')[0]);
    };
    assert.deepEqual(await shown(), ['first', ...long, 'meanwhile']);

    const short = numbered(MOST_ENTRIES + 500, 'short');
    await appendFile(said, short.map((line) => `${line}\n`).join(''));
    await tab
      .locator('.log')
      .getByText(`${short.at(-1)}`)
      .waitFor();
    await hide(tab, true);
    await appendFile(said, 'at the end\n');
    await hide(tab, false);
    await tab.locator('.log').getByText('at the end').waitFor();
    await hide(tab, true);
    await offshoot.call('codex_job_cancel', { job_id: id });
    await offshoot.result(id);
    await hide(tab, false);
    await state(tab, 'cancelled');
    assert.deepEqual(await shown(), [...short, 'at'].slice(-MOST_ENTRIES));
  });
});
