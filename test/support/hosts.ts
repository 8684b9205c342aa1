import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { attemptLayout } from '../../src/job/layout.js';
import { type AgentProcess, readAgentProcess } from '../../src/stages/agent-process.js';

/** The process of an attempt, once the file that names it is whole. */
export async function started(processFile: string): Promise<AgentProcess> {
  for (;;) {
    const agent = readAgentProcess(processFile);
    if (agent !== null) return agent;
    await delay(10);
  }
}

/** The directory of the host that an attempt of a job runs or ran on; null for a process of its own. */
export async function hostOf(stateDir: string, jobId: string, attempt = 1): Promise<string | null> {
  const agent = readAgentProcess(attemptLayout(stateDir, jobId, attempt).process);
  if (agent === null) throw new Error('That attempt was never started.');
  return agent.place?.host ?? null;
}

/** One of the processes that hold a host, once it is there: the outermost, the host itself, or its app-server. */
export async function processOf(host: string, which: 'keeper' | 'host' | 'server'): Promise<number> {
  const keeper = readAgentProcess(join(host, 'process'))?.pid;
  if (keeper === undefined) throw new Error('That host was never started.');
  for (;;) {
    const pid = which === 'keeper' ? keeper : await findBelow(keeper, isThat[which]);
    if (pid !== undefined) return pid;
    await delay(10);
  }
}

const isThat = {
  host: (words: readonly string[]) =>
    words[0] === process.execPath && words.some((word) => word.endsWith('/app-server-host.js')),
  server: (words: readonly string[]) => words[1] === 'app-server',
};

/** The process whose command line is that, the innermost of several. */
async function findBelow(
  keeper: number,
  isThat: (words: readonly string[]) => boolean,
): Promise<number | undefined> {
  const below = [keeper];
  let found: number | undefined;
  for (const pid of below) {
    below.push(...(await childrenOf(pid)));
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (isThat(words)) found = pid;
  }
  return found;
}

/** The processes that a process has started and that live; none of one that is gone. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').map(Number).filter(Boolean);
}
