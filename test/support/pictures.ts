/**
 * Makes the pictures of docs/page.md: a real daemon, the real Codex CLI against a scripted model, and Debian's
 * Chromium. `npm run pictures` writes them anew; with a directory as its argument they go there.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { hang, type Reply, refuseHttp, run, say } from '../../src/demo/reply.js';
import { startScriptedModel } from '../../src/demo/scripted-model.js';
import { pageOf, startBrowser } from './browser.js';
import { makeOffshoot, type Offshoot } from './offshoot.js';

const directory = resolve(process.argv[2] ?? 'docs/pictures');

const source = `/** What a basket costs, in cents. */
export function total(prices) {
  let sum = 0;
  for (let index = 1; index < prices.length; index += 1) sum += prices[index];
  return sum;
}
`;

const fix = (better: string) =>
  run('cat price.js', `cat > price.js <<'END'\n${source.replace(/ {2}let sum.*return sum;/s, better)}END`);
const reduce = fix('  return prices.reduce((sum, price) => sum + price, 0);');
const loop = fix('  let sum = 0;\n  for (const price of prices) sum += price;\n  return sum;');

const tasks: { label: string; group?: string; replies: Reply[] }[] = [
  {
    label: 'Mend the total: reduce',
    group: 'total',
    replies: [
      run('ls && node price.test.js'),
      reduce,
      run('node price.test.js', "printf 'The total has every price now.\\n' >> NOTES.md"),
      say(
        'The loop began at the second price. The total is a reduce over all prices now, and the test passes.',
      ),
    ],
  },
  {
    label: 'Mend the total: loop',
    group: 'total',
    replies: [
      loop,
      run('node price.test.js', "printf '# Changes\\n\\n- total: every price counts\\n' > CHANGES.md"),
      say('A loop over the prices themselves cannot miss one.'),
    ],
  },
  { label: 'Say what the shop does', replies: [run('cat price.js'), say('It adds prices.')] },
  {
    label: 'Rename the helpers',
    replies: [refuseHttp(400, '{"error":{"message":"The model does not exist."}}')],
  },
  {
    label: 'Port the basket to TypeScript',
    replies: [
      run('ls -la', 'cat price.js price.test.js'),
      run('mkdir -p source && cp price.js source/price.ts'),
      run('node --version', 'grep -rn "price" --include=*.js . | head -3'),
      hang('first event'),
    ],
  },
  { label: 'Write tests for the tax rules', replies: [run('node price.test.js; true'), hang('request')] },
  { label: 'Find dead code', replies: [run('git log --oneline', 'grep -c total price.js'), hang('request')] },
  ...[
    'Speed up the import',
    'Document the API',
    'Check the licences',
    'Fix flaky clock test',
    'Add a dark theme',
  ].map((label) => ({ label, replies: [hang('request')] })),
];

async function makePictures(): Promise<void> {
  const model = await startScriptedModel(({ task, step }) => {
    const replies = tasks.find(({ label }) => label === task)?.replies ?? [];
    return replies[Math.min(step, replies.length - 1)] ?? say('Nothing to do.');
  });
  const offshoot = await makeOffshoot({
    model,
    environment: { OFFSHOOT_MAX_RUNNING: '3', OFFSHOOT_MAX_ATTEMPTS: '1', OFFSHOOT_LOG_LEVEL: 'warn' },
  });
  const browser = await startBrowser({ viewport: { width: 1280, height: 800 } });
  try {
    await mkdir(directory, { recursive: true });
    const jobs = await fillSwarm(offshoot);
    const { address, url } = await pageOf(offshoot);
    const page = await browser.context.newPage();
    await page.goto(address);
    const shoot = (name: string) => page.screenshot({ path: join(directory, `${name}.png`) });
    const see = async (path: string, settled: (page: Page) => Promise<unknown>) => {
      await page.goto(`${url}#/${path}`);
      await settled(page);
    };
    const running = jobs[4] ?? '';
    const done = jobs[0] ?? '';
    const views: [string, string, (page: Page) => Promise<unknown>][] = [
      ['swarm', '', (shown) => shown.getByText(/at most [2-9]/).waitFor()],
      ['chart', 'chart', (shown) => shown.locator('[data-state=done].lit').waitFor()],
      ['job', `job/${running}`, (shown) => shown.getByText('grep -rn').first().waitFor()],
      ['patch', `job/${done}`, (shown) => shown.getByText('The agent is finished.').waitFor()],
      [
        'compare',
        `compare/${jobs.slice(0, 2).join('/')}`,
        (shown) => shown.getByText('in 2 patches').first().waitFor(),
      ],
    ];
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      for (const [name, path, settled] of views) {
        await see(path, settled);
        if (name === 'patch') await page.getByRole('heading', { name: 'Result' }).scrollIntoViewIfNeeded();
        if (theme === 'light' || name === 'swarm' || name === 'job') await shoot(`${name}-${theme}`);
      }
    }
    await page.setViewportSize({ width: 390, height: 844 });
    for (const [name, path, settled] of views) {
      await see(path, settled);
      await shoot(`${name}-phone`);
    }
  } finally {
    await browser.close();
    await offshoot.remove();
    await model.close();
  }
}

/** Answers the ids in the order of the tasks, once the first four have ended and three agents are at work. */
async function fillSwarm(offshoot: Offshoot): Promise<string[]> {
  await writeFile(join(offshoot.repository, 'price.js'), source);
  await writeFile(
    join(offshoot.repository, 'price.test.js'),
    "import { total } from './price.js';\nif (total([1, 2]) !== 3) throw new Error('total');\n",
  );
  await writeFile(join(offshoot.repository, 'package.json'), '{ "type": "module" }\n');
  await writeFile(join(offshoot.repository, 'NOTES.md'), 'A shop.\n');
  await offshoot.git('add', '.');
  await offshoot.git('commit', '--quiet', '--message', 'shop');
  await offshoot.start();
  const jobs: string[] = [];
  for (const { label, group } of tasks) {
    jobs.push(await offshoot.delegate(label, { label, ...(group && { group_id: group }) }));
  }
  for (const id of jobs.slice(0, 4)) await offshoot.result(id);
  for (const id of jobs.slice(4, 7)) await offshoot.reach(id, 'running');
  return jobs;
}

await makePictures();
