import { readdir, readFile } from 'node:fs/promises';
import { READ_WITHOUT_WAITING } from '../open-flags.js';
import { fieldsOf, startTimeOf } from '../stages/proc.js';

/** A process of an agent, as `/proc` tells it. Command lines are left out: they may hold the task. */
export interface AgentProcessFigures {
  pid: number;
  name: string;
  /** Processor time so far. */
  cpuMs: number;
  memoryBytes: number;
}

const MOST_PROCESSES = 100;
/** Linux counts in these units wherever Node runs. */
const MS_PER_TICK = 10;
const PAGE_BYTES = 4_096;

/** The process that an agent's file names and everything below it, parents first; empty when none lives. */
export async function agentProcesses(processFile: string): Promise<AgentProcessFigures[]> {
  const text = await readFile(processFile, { encoding: 'utf8', flag: READ_WITHOUT_WAITING }).catch(() => '');
  const [pid = '', , , stat = ''] = text.split('\n');
  const root = await look(Number(pid));
  // Another process may have got the same id since.
  if (root === null || root.startTime !== startTimeOf(stat)) return [];
  const found = [root];
  for (const { pid: parent } of found) {
    for (const child of await childrenOf(parent)) {
      const seen = found.length < MOST_PROCESSES ? await look(child) : null;
      if (seen !== null) found.push(seen);
    }
  }
  return found.map(({ startTime: _, ...figures }) => figures);
}

async function look(pid: number): Promise<(AgentProcessFigures & { startTime: string }) | null> {
  if (!(pid > 1)) return null;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  const fields = fieldsOf(stat);
  return {
    pid,
    name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
    cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK,
    memoryBytes: Number(fields[21]) * PAGE_BYTES,
    startTime: startTimeOf(stat),
  };
}

/** Each thread has the children that it started itself; Codex starts its commands from others than the first. */
async function childrenOf(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const texts = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')),
  );
  return texts
    .flatMap((text) => text.split(' '))
    .map(Number)
    .filter((child) => child > 1);
}
