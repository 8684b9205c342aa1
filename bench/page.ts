import type { Context, Measurement, Scenario } from './scenario.js';
import { findBrowser, startBrowser, type Tab } from './support/browser.js';
import { startChattySwarm } from './support/chatty-agents.js';
import { interleave, timed } from './support/rounds.js';

export const page: Scenario = {
  name: 'page',
  title: 'How smooth the page is with many jobs',
  describe:
    'The page in a real, headless browser, with 200 agents that write 1,000 lines a second each and 10,000 jobs in the queue: from its opening to its list, then, while the list is scrolled, how long the browser leaves between two frames, its longest task, and how busy the main thread of the tab is. Beside it, an empty page in the same browser, while the same goes on.',
  whyNotReached:
    'browser, daemon, agents and the writer of their lines share the processors; the column beside tells how much of it is theirs.',
  async run(context) {
    const program = findBrowser();
    if (program === null)
      return { measurements: [], notes: ['Left out: no Chromium or Chrome is installed on this machine.'] };
    const running = context.quick ? 2 : 200;
    const queued = context.quick ? 50 : 10_000;
    context.tell(`${running} chatty agents, ${queued} queued`);
    const { world, quiet } = await startChattySwarm(context, { running, queued });
    const { url, token } = await world.call('page.open');
    const tab = await startBrowser(context, program);
    const samples = await interleave(context, {
      page: () => lookAt(tab, `${url}#token=${token}`, running + queued, context),
      empty: () => lookAt(tab, 'about:blank', 0, context),
    });
    await quiet();
    await world.remove();
    return { measurements: compared(samples.page, samples.empty, `${running} running, ${queued} queued`) };
  },
};

/** What one round found, in milliseconds and, of the tab's main thread, in percent. */
interface Look {
  list: number;
  gap: number;
  longestTask: number;
  busy: number;
}

/** Opens a page, waits for its list if it has jobs, and watches it while it is scrolled. */
async function lookAt(tab: Tab, address: string, jobs: number, { quick }: Context): Promise<Look> {
  // A page that is only opened at another place behind the # is not loaded anew.
  await tab.open('about:blank');
  const list = await timed(async () => {
    await tab.open(address);
    await tab.evaluate(appearance(jobs));
  });
  const milliseconds = quick ? 300 : 5_000;
  const [from, before] = [performance.now(), await tab.busySeconds()];
  const seen = await tab.evaluate<{ gaps: number[]; tasks: number[] }>(watch(milliseconds));
  const [wall, after] = [performance.now() - from, await tab.busySeconds()];
  const sorted = seen.gaps.sort((one, other) => one - other);
  return {
    list,
    gap: sorted[Math.floor(sorted.length * 0.99)] ?? milliseconds,
    longestTask: Math.max(0, ...seen.tasks),
    busy: ((after - before) * 1_000 * 100) / wall,
  };
}

/** In the page: resolves once all jobs are in the list and the first are drawn. */
const appearance = (jobs: number) => `new Promise((resolve) => {
  const look = () => {
    const drawn = document.querySelector('.job');
    const total = Number(drawn?.getAttribute('aria-setsize') ?? 0);
    if (total >= ${jobs}) resolve(null);
    else setTimeout(look, 5);
  };
  look();
})`;

/** In the page: scrolls what lists the jobs up and down for a while, and notes frames and tasks of 50 ms and more. */
const watch = (milliseconds: number) => `new Promise((resolve) => {
  const gaps = [];
  const tasks = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) tasks.push(duration);
  });
  observer.observe({ type: 'longtask' });
  const end = performance.now() + ${milliseconds};
  const list = document.querySelector('.jobs');
  // Asked for once: the answer has the browser lay the page out.
  const most = list === null ? 0 : list.scrollHeight - list.clientHeight;
  let last = performance.now();
  let top = 0;
  let step = 150;
  const frame = (now) => {
    gaps.push(now - last);
    last = now;
    if (top + step < 0 || top + step > most) step = -step;
    top += step;
    if (list !== null) list.scrollTop = top;
    if (performance.now() < end) requestAnimationFrame(frame);
    else {
      observer.disconnect();
      resolve({ gaps: gaps.slice(1), tasks });
    }
  };
  requestAnimationFrame(frame);
})`;

function compared(page: readonly Look[], empty: readonly Look[], where: string): Measurement[] {
  const measurement = (name: string, unit: 'ms' | '%', what: keyof Look): Measurement => ({
    name: `${name}, ${where}`,
    unit,
    better: 'lower',
    samples: page.map((look) => look[what]),
  });
  const gaps = empty.map(({ gap }) => gap);
  return [
    measurement('opening to list', 'ms', 'list'),
    {
      ...measurement('between two frames, p99', 'ms', 'gap'),
      beside: { name: 'empty page', samples: gaps },
    },
    measurement('longest task of 50 ms or more, else 0', 'ms', 'longestTask'),
    measurement('main thread of the tab busy', '%', 'busy'),
  ];
}
