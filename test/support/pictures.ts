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

const sayAnswer = (answer: object) => say(JSON.stringify(answer));

/** The label is the task too, or the question, or what a review is told to look at. */
const tasks: { label: string; kind?: 'consult' | 'review'; group?: string; replies: Reply[] }[] = [
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
  {
    label: 'Where is a basket rounded?',
    kind: 'consult',
    replies: [
      run('grep -rn "total" --include=*.js .'),
      sayAnswer({ summary: 'Nowhere: prices are whole cents, and total() adds them.', findings: [] }),
    ],
  },
  {
    label: 'Is the total right?',
    kind: 'review',
    replies: [
      run('cat price.js'),
      sayAnswer({
        summary: 'The total leaves out a price, and the test does not see it for baskets of one.',
        verdict: 'fail',
        confidence: 'high',
        findings: [
          {
            severity: 'high',
            title: 'The loop begins at the second price',
            detail: 'index starts at 1, so prices[0] is never added: total([5]) is 0.',
            file: 'price.js',
            line: 4,
          },
          {
            severity: 'low',
            title: 'No test for a basket of one',
            detail: 'total([5]) would have shown it.',
            file: 'price.test.js',
            line: 2,
          },
        ],
      }),
    ],
  },
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
  ...['Speed up the import', 'Document the API', 'Fix flaky clock test', 'Add a dark theme'].map((label) => ({
    label,
    replies: [hang('request')],
  })),
];

/** How many of the tasks end; the next few are at work, the others wait. */
const ENDING = 5;
const RUNNING = 3;

async function makePictures(): Promise<void> {
  const model = await startScriptedModel(({ task, step }) => {
    const replies = tasks.find(({ label }) => task.includes(label))?.replies ?? [];
    return replies[Math.min(step, replies.length - 1)] ?? say('Nothing to do.');
  });
  const offshoot = await makeOffshoot({
    model,
    environment: {
      OFFSHOOT_MAX_RUNNING: String(RUNNING),
      OFFSHOOT_MAX_ATTEMPTS: '1',
      OFFSHOOT_LOG_LEVEL: 'warn',
    },
  });
  const browser = await startBrowser({ viewport: { width: 1280, height: 800 } });
  try {
    await mkdir(directory, { recursive: true });
    const jobs = await fillSwarm(offshoot);
    const { address, url } = await pageOf(offshoot);
    const page = await browser.context.newPage();
    await page.goto(address);
    for (const form of ['light', 'dark', 'phone'] as const) {
      await page.emulateMedia({ colorScheme: form === 'light' ? 'light' : 'dark' });
      if (form === 'phone') await page.setViewportSize({ width: 390, height: 844 });
      for (const { name, path, ready } of views(jobs).filter(({ forms }) => forms.includes(form))) {
        await page.goto(`${url}#/${path}`);
        await ready(page);
        await page.screenshot({ path: join(directory, `${name}-${form}.png`) });
      }
    }
  } finally {
    await browser.close();
    await offshoot.remove();
    await model.close();
  }
}

interface View {
  name: string;
  path: string;
  forms: readonly ('light' | 'dark' | 'phone')[];
  /** Resolves once the page shows what the picture is about. */
  ready(page: Page): Promise<unknown>;
}

const views = (jobs: readonly string[]): View[] => [
  {
    name: 'swarm',
    path: '',
    forms: ['light', 'dark', 'phone'],
    ready: (page) => page.getByText(/at most [2-9]/).waitFor(),
  },
  {
    name: 'chart',
    path: 'chart',
    forms: ['light', 'phone'],
    ready: (page) => page.locator('[data-state=done].lit').waitFor(),
  },
  {
    name: 'job',
    path: `job/${jobs[ENDING]}`,
    forms: ['dark'],
    ready: (page) => page.getByText('grep -rn').first().waitFor(),
  },
  { name: 'patch', path: `job/${jobs[0]}`, forms: ['light'], ready: showResult },
  { name: 'review', path: `job/${jobs[3]}`, forms: ['light'], ready: showResult },
  {
    name: 'compare',
    path: `compare/${jobs.slice(0, 2).join('/')}`,
    forms: ['light'],
    ready: (page) => page.getByText('in 2 patches').first().waitFor(),
  },
];

async function showResult(page: Page): Promise<void> {
  await page.getByText('The agent is finished.').waitFor();
  await page
    .getByRole('heading', { name: 'Result' })
    .evaluate((heading) => heading.scrollIntoView({ block: 'center' }));
}

/** Answers the ids in the order of the tasks, once the first have ended and three agents are at work. */
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
  for (const task of tasks) jobs.push(await submit(offshoot, task));
  for (const id of jobs.slice(0, ENDING)) await offshoot.result(id);
  for (const id of jobs.slice(ENDING, ENDING + RUNNING)) await offshoot.reach(id, 'running');
  return jobs;
}

async function submit(offshoot: Offshoot, { label, kind, group }: (typeof tasks)[number]): Promise<string> {
  if (kind === undefined) return offshoot.delegate(label, { label, ...(group && { group_id: group }) });
  const { job_id: id } =
    kind === 'consult'
      ? await offshoot.call('codex_consult_async', { ...here(offshoot), label, question: label })
      : await offshoot.call('codex_review_changes_async', {
          ...here(offshoot),
          label,
          scope: 'commit',
          ref: 'HEAD',
          instructions: label,
        });
  return id;
}

const here = ({ repository }: Offshoot) => ({ workspace_root: repository });

await makePictures();
