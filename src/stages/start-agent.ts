import { spawn } from 'node:child_process';
import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Launch } from '../agents/agent.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import type { AttemptLayout } from '../job/layout.js';
import { JOB_MARKER } from '../job-marker.js';
import { type AgentProcess, GRACE_SECONDS, readAgentProcess } from './agent-process.js';
import { findHolding } from './containment.js';
import { isExhausted } from './machine-fault.js';
import { findMarked, sweep } from './marked-processes.js';
import { LAUNCHER_CANNOT_WRITE, launcherScript, supervisorScript } from './supervisor-script.js';

/** A launcher that was on its way when its thread or daemon died writes its file within this time. */
const LAUNCH_MS = 3_000;

export interface AgentStart {
  jobId: string;
  files: AttemptLayout;
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
export async function findAgent(jobId: string, files: AttemptLayout): Promise<AgentProcess | null> {
  const known = await readAgentProcess(files.process);
  if (known !== null || !(await exists(files.claim))) return known;
  for (let waited = 0; waited < LAUNCH_MS; waited += 50) {
    await delay(50);
    const late = await readAgentProcess(files.process);
    if (late !== null) return late;
  }
  // The launcher died half-way: whatever it started is without supervision.
  if (findMarked(jobId).length > 0) await sweep(jobId);
  await rm(files.claim, { recursive: true, force: true });
  return null;
}

/** Starts the agent under its supervisor and answers once its process is known. */
export async function startAgent(start: AgentStart, launch: Launch): Promise<Outcome<AgentProcess>> {
  const { files } = start;
  const { containment, wrapper } = await findHolding(launch.environment);
  await writeFile(files.prompt, launch.input, { mode: 0o600 });
  // Rounded up: with a daemon at hand, its own timer comes first and records the cause.
  const deadline = Math.ceil(start.deadlineAt / 1_000) + 1;
  const supervisorArguments = [
    files.directory,
    containment,
    start.directory,
    String(deadline),
    String(Math.max(0, deadline - Math.floor(Date.now() / 1_000))),
    String(GRACE_SECONDS),
    ...launch.command,
  ];
  const supervisor = ['sh', '-c', supervisorScript, 'offshoot-supervisor', ...supervisorArguments];
  const words = [files.directory, containment, ...start.view, ...wrapper, ...supervisor];
  const status = await runLauncher(words, {
    ...launch.environment,
    [JOB_MARKER]: start.jobId,
  });
  const agent = await readAgentProcess(files.process);
  if (agent !== null) return succeed(agent);
  if (isExhausted(status)) return refuse('machine_exhausted');
  if (status === LAUNCHER_CANNOT_WRITE) return refuse('disk_full');
  const said = (await readFile(files.launch, 'utf8').catch(() => '')).trim().slice(0, 500);
  return refuse('agent_not_started', {
    message: `The agent could not be started (launcher status ${status}). ${said}`.trim(),
  });
}

function runLauncher(
  words: readonly string[],
  environment: Record<string, string>,
): Promise<number | string> {
  return new Promise((resolve) => {
    // A session of its own: what ends the daemon's process group must not end a launcher half-way.
    const launcher = spawn('sh', ['-c', launcherScript, 'offshoot-launcher', ...words], {
      cwd: '/',
      env: environment,
      stdio: 'ignore',
      detached: true,
    });
    launcher.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    launcher.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
