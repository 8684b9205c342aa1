import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Launch } from '../agents/agent.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import { tellsExhaustion } from '../git/explain.js';
import { promptLook } from '../git/look.js';
import { takeShell } from '../git/shell.js';
import type { ProcessLayout } from '../job/layout.js';
import { JOB_MARKER } from '../job-marker.js';
import { type AgentProcess, GRACE_SECONDS, readAgentProcess } from './agent-process.js';
import { findHolding } from './containment.js';
import { findMarked, sweep } from './marked-processes.js';
import { signOfLife } from './pid-namespace.js';
import { readText } from './proc.js';
import { LAUNCHER_CANNOT_WRITE, launcherScript, supervisorScript } from './supervisor-script.js';

/** A launcher that was on its way when its thread or daemon died writes its file within this time. */
const LAUNCH_MS = 3_000;

export interface AgentStart {
  stateDir: string;
  jobId: string;
  files: ProcessLayout;
  directory: string;
  /** Words that show the agent its worktree, put before all others; none where it is there for everybody. */
  view: readonly string[];
  /** Instant at which the supervisor itself stops the agent. */
  deadlineAt: number;
}

/**
 * The agent that an earlier call started, if one did: running, or ended with its files. Null means that none
 * was ever started, or that a start was tried and left nothing alive; then it may be started.
 */
export async function findAgent(jobId: string, files: ProcessLayout): Promise<AgentProcess | null> {
  const known = readAgentProcess(files.process);
  if (known !== null || promptLook.at(files.claim) === null) return known;
  for (let waited = 0; waited < LAUNCH_MS; waited += 50) {
    await delay(50);
    const late = readAgentProcess(files.process);
    if (late !== null) return late;
  }
  // The launcher died half-way: whatever it started is without supervision.
  if (findMarked(jobId).length > 0) await sweep(jobId);
  rmSync(files.claim, { recursive: true, force: true });
  return null;
}

/** Starts the agent under its supervisor and answers once its process is known. */
export async function startAgent(start: AgentStart, launch: Launch): Promise<Outcome<AgentProcess>> {
  const { files } = start;
  const { containment, wrapper } = await findHolding(launch.environment);
  writeFileSync(files.prompt, launch.input, { mode: 0o600 });
  const sign = signOfLife(start.stateDir);
  mkdirSync(dirname(sign), { recursive: true, mode: 0o700 });
  // Rounded up: with a daemon at hand, its own timer comes first and records the cause.
  const deadline = Math.ceil(start.deadlineAt / 1_000) + 1;
  const supervisorArguments = [
    files.directory,
    containment,
    start.directory,
    String(deadline),
    String(Math.max(0, deadline - Math.floor(Date.now() / 1_000))),
    String(GRACE_SECONDS),
    sign,
    ...launch.command,
  ];
  const supervisor = ['sh', '-c', supervisorScript, 'offshoot-supervisor', ...supervisorArguments];
  const words = [files.directory, containment, ...start.view, ...wrapper, ...supervisor];
  const { status, said } = await runLauncher(words, { ...launch.environment, [JOB_MARKER]: start.jobId });
  const agent = readAgentProcess(files.process);
  if (agent !== null) return succeed(agent);
  if (tellsExhaustion(said)) return refuse('machine_exhausted');
  if (status === LAUNCHER_CANNOT_WRITE) return refuse('disk_full');
  const saidLater = readText(files.launch) ?? '';
  return refuse('agent_not_started', {
    message: `The agent could not be started (launcher status ${status}). ${saidLater.slice(0, 500)}`.trim(),
  });
}

/**
 * Runs the launcher by a shell of the thread: to copy a process as large as this one takes longer than all that the
 * launcher does. The shell has a session of its own and, when its thread or the daemon dies, ends what it is at.
 */
async function runLauncher(
  words: readonly string[],
  environment: Record<string, string>,
): Promise<LauncherEnd> {
  const said: Buffer[] = [];
  const shell = takeShell();
  try {
    const { status, systemCode } = await shell.run(
      {
        words: ['sh', '-c', launcherScript, 'offshoot-launcher', ...words],
        directory: '/',
        environment: namedForShells(environment),
      },
      () => true,
      (chunk) => said.push(chunk) > 0,
    );
    return { status, said: Buffer.concat(said).toString('utf8') || systemCode };
  } finally {
    shell.rest();
  }
}

interface LauncherEnd {
  /** Null when its shell could not be started, or ended. */
  status: number | null;
  /** What it, its shell, or for want of a shell the system, said. */
  said: string;
}

/** Variables that a shell keeps for itself: to set one would end it, or a program would not get it. */
const SHELLS_OWN = new Set(['BASHOPTS', 'BASH_VERSINFO', 'EUID', 'OPTIND', 'PPID', 'SHELLOPTS', 'UID']);

/** The variables that a shell can hand on; it drops others from its environment too. */
const namedForShells = (environment: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).filter(([name]) => /^[A-Za-z_]\w*$/.test(name) && !SHELLS_OWN.has(name)),
  );
