import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findBrowser, QUIET_FLAGS } from '../../bench/support/browser.js';
import type { Offshoot } from './offshoot.js';

const program = findBrowser();

/** Why there can be no test in a browser; false where there can. */
export const noBrowser = program === null ? 'no Chromium is installed' : false;

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A browser of this machine with a profile of its own, which is removed with it. */
export async function startBrowser(
  options: BrowserContextOptions = {},
): Promise<{ context: BrowserContext; close(): Promise<void> }> {
  const profile = await mkdtemp(join(tmpdir(), 'offshoot-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: program ?? undefined,
    headless: true,
    args: [...QUIET_FLAGS],
    // Nothing but the daemon is there for it.
    proxy: { server: 'http://127.0.0.1:9', bypass: '127.0.0.1' },
    ...options,
  });
  return {
    context,
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** Where the page of a daemon is, and the address that opens it. */
export async function pageOf(offshoot: Offshoot): Promise<{ url: string; token: string; address: string }> {
  const { url, token } = await offshoot.call('page.open');
  return { url, token, address: `${url}#token=${token}` };
}

/** Asserts that axe finds no serious fault in views of the page, by path, each once `ready` is there, light and dark. */
export async function assertAccessible(
  page: Page,
  openPage: (path: string) => Promise<unknown>,
  views: Record<string, string>,
): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const [path, ready] of Object.entries(views)) {
      await openPage(path);
      await page.locator(ready).first().waitFor();
      assert.deepEqual(await seriousFaults(page), [], `${colorScheme} ${path}`);
    }
  }
}

/** What axe finds on a page that keeps people out; one line each. */
async function seriousFaults(page: Page): Promise<string[]> {
  // The page's own rules let no foreign script in; one that is evaluated is not asked.
  await page.evaluate(axe);
  const { violations } = (await page.evaluate('axe.run()')) as {
    violations: { id: string; impact: string; nodes: { target: string[]; failureSummary: string }[] }[];
  };
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.target} ${nodes[0]?.failureSummary}`);
}
