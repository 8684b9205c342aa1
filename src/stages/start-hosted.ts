import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HostedLaunch } from '../agents/agent.js';
import type { HostedJob } from '../app-server/messages.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import { processLayout, stateLayout } from '../job/layout.js';
import { type AgentProcess, isAlive, readAgentProcess } from './agent-process.js';
import { askHost } from './ask-host.js';
import { type AgentStart, findAgent, startAgent } from './start-agent.js';

/** A host that was started listens within this time, even on a machine that has much to do. */
const LISTENS_MS = 30_000;
const LOOK_MS = 25;
/** New hosts may be full before their turn comes, but not for ever. */
const MOST_TRIED = 8;
/** A host takes jobs for a day, and the longest runs a week: past this its supervisor ends it. */
const HOST_LIFE_MS = 9 * 24 * 60 * 60_000;

/**
 * Has a host run the job: the first that has room, else a new one. Hosts of a kind are numbered, and a number is
 * used once: threads that need a new host at the same time agree on its number, and the launcher's claim lets one of
 * them start it.
 */
export async function startHosted(start: AgentStart, launch: HostedLaunch): Promise<Outcome<AgentProcess>> {
  const { stateDir, jobId, files, directory, deadlineAt } = start;
  const job: HostedJob = { ...launch.job, jobId, files, directory, deadlineAt };
  const { hosts } = stateLayout(stateDir);
  await mkdir(hosts, { recursive: true, mode: 0o700 });
  const host = (number: number) => join(hosts, nameOf(launch.hostKind, number));
  const known = await numbersOf(hosts, launch.hostKind);
  let silent = 0;
  for (const number of known) {
    const answer = await askHost(host(number), { type: 'take', job });
    if (answer?.taken) return started(start);
    if (answer === null) silent = number;
  }
  await removeEndedHosts(stateDir, false);
  const latest = known.at(-1) ?? 0;
  // One that does not answer may only be starting.
  const next = silent === latest && !(await hasEnded(host(latest))) ? latest : latest + 1;
  // And one that is gone looks the same: it was replaced and removed by another thread, and there is a later one.
  const newest = (await numbersOf(hosts, launch.hostKind)).at(-1) ?? 0;
  const first = Math.max(1, next, newest);
  for (let number = first; number < first + MOST_TRIED; number += 1) {
    const running = await startHost(stateDir, host(number), launch);
    if (!running.ok) return running;
    if (await handOverSoon(host(number), running.value, job)) return started(start);
  }
  return refuse('agent_not_started', { message: 'No host of agents could be started that takes the job.' });
}

async function started({ jobId, files }: AgentStart): Promise<Outcome<AgentProcess>> {
  const agent = await findAgent(jobId, files);
  return agent === null ? refuse('agent_not_started') : succeed(agent);
}

/** Starts that host, or finds it where another thread has. */
async function startHost(
  stateDir: string,
  host: string,
  launch: HostedLaunch,
): Promise<Outcome<AgentProcess>> {
  await mkdir(host, { recursive: true, mode: 0o700 });
  const prepared = await launch.launchHost(host);
  if (!prepared.ok) return prepared;
  const files = processLayout(host);
  const jobId = basename(host);
  const hosting = {
    stateDir,
    jobId,
    files,
    directory: host,
    view: [],
    deadlineAt: Date.now() + HOST_LIFE_MS,
  };
  const launched = await startAgent(hosting, prepared.value);
  if (launched.ok) return launched;
  const found = await findAgent(jobId, files);
  return found === null ? launched : succeed(found);
}

/** Hands the job to a host that may only be starting; false when that has no room, or never answers. */
async function handOverSoon(host: string, running: AgentProcess, job: HostedJob): Promise<boolean> {
  const until = performance.now() + LISTENS_MS;
  for (; performance.now() < until && isAlive(running); await delay(LOOK_MS)) {
    const answer = await askHost(host, { type: 'take', job });
    if (answer !== null) return answer.taken;
  }
  return false;
}

/** The numbers of the hosts of a kind that there are or were, rising. */
async function numbersOf(hosts: string, kind: string): Promise<number[]> {
  const names = (await readdir(hosts)).filter((name) => name.startsWith(`${kind}-`));
  return names.map((name) => Number(name.slice(kind.length + 1))).sort((one, other) => one - other);
}

/**
 * Removes the directories of hosts that have ended. The latest of a kind keeps its number from being used again, and
 * goes only when `all` may go: while nobody starts one.
 */
export async function removeEndedHosts(stateDir: string, all: boolean): Promise<void> {
  const { hosts } = stateLayout(stateDir);
  const names = await readdir(hosts).catch(() => []);
  for (const kind of new Set(names.map((name) => name.slice(0, name.lastIndexOf('-'))))) {
    const numbers = await numbersOf(hosts, kind);
    for (const number of all ? numbers : numbers.slice(0, -1)) {
      const host = join(hosts, nameOf(kind, number));
      if (await hasEnded(host, all)) await rm(host, { recursive: true, force: true });
    }
  }
}

/** False for a host that is only starting; `otherwise` tells what to take it for where that cannot be. */
async function hasEnded(host: string, otherwise = false): Promise<boolean> {
  const agent = readAgentProcess(processLayout(host).process);
  return agent === null ? otherwise : !isAlive(agent);
}

const nameOf = (kind: string, number: number) => `${kind}-${number}`;
