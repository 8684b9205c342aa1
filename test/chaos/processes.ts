import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attemptLayout } from '../../src/job/layout.js';

/** Processes of any agent below `root`: by the marker of their job, or by what they run. */
export async function leftovers(root: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [environment, words] = await Promise.all(
        ['environ', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'latin1').catch(() => '')),
      );
      const marked = environment?.includes('OFFSHOOT_JOB=') && environment.includes(root);
      return marked || words?.includes(join(root, 'stay.sh')) || words?.includes(join(root, 'agent.sh'))
        ? [pid]
        : [];
    }),
  );
  return found.flat();
}

/** The process that a job's agent hangs on, and that process's first child; fewer if they are gone. */
export async function holdersOf(stateDir: string, jobId: string): Promise<number[]> {
  const file = attemptLayout(stateDir, jobId, 1).process;
  const keeper = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
  if (!(keeper > 1) || !(await isHolder(keeper, jobId))) return [];
  const children = await readFile(`/proc/${keeper}/task/${keeper}/children`, 'utf8').catch(() => '');
  return [keeper, ...children.split(' ').filter(Boolean).map(Number)];
}

const isHolder = (pid: number, jobId: string) =>
  readFile(`/proc/${pid}/environ`, 'latin1').then(
    (text) => text.includes(`OFFSHOOT_JOB=${jobId}`),
    () => false,
  );
