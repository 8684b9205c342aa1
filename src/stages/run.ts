import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { RunOutput, Usage } from '../../machines/job.js';
import type { AgentBackend } from '../agents/agent.js';
import { describeAssignment } from '../agents/assignment.js';
import { backendOf } from '../agents/backends.js';
import type { Settings } from '../config.js';
import { type Fault, type Outcome, refuse, succeed } from '../errors.js';
import { attemptLayout, jobLayout, type ProcessLayout } from '../job/layout.js';
import type { RunTask } from '../pool/messages.js';
import type { AgentProcess } from './agent-process.js';
import type { StageChannel } from './channel.js';
import { followAgent, MAX_OUTPUT_BYTES } from './follow-agent.js';
import { keepAnswer } from './keep-answer.js';
import { ownUsage, readOwnUsage } from './own-usage.js';
import { PATIENCE_WITH_WORK_MS, patiently } from './patiently.js';
import { findPlace } from './place.js';
import { retryAfterMs } from './retry.js';
import { findAgent, startAgent } from './start-agent.js';
import { startHosted } from './start-hosted.js';

/**
 * Has the agent do the task, or go on with it. Called again for the same attempt after a thread or a daemon
 * died, it finds the agent that still runs, or the files of one that has ended, and goes on from there: an
 * attempt is started once.
 */
export function run(task: RunTask, settings: Settings, channel: StageChannel): Promise<RunOutput> {
  return patiently(() => runOnce(task, settings, channel), {
    // A start that failed for want of something is told: the next attempt comes later.
    isShort: () => false,
    failed: notStarted,
    stop: channel.stop,
  });
}

async function runOnce(task: RunTask, settings: Settings, channel: StageChannel): Promise<RunOutput> {
  const files = attemptLayout(settings.stateDir, task.jobId, task.attempt);
  const backend = backendOf(task.submission.backend);
  mkdirSync(files.directory, { recursive: true, mode: 0o700 });
  const agent = await findOrStart(task, backend, files, settings, channel);
  if (!agent.ok) return notStarted(agent.fault, retryAfterMs(agent.fault, task, settings, Date.now()));
  const reader = backend.reader();
  const before = task.submission.continues?.threadUsage ?? null;
  const output = await followAgent({
    jobId: task.jobId,
    agent: agent.value,
    reader: readOwnUsage(reader, before),
    files,
    silenceMs: settings.silenceSeconds * 1_000,
    deadlineAt: task.deadlineAt,
    maximumOutputBytes: MAX_OUTPUT_BYTES,
    stopping: task.stopping,
    retryAfterMs: (failure) => retryAfterMs(failure, task, settings, Date.now()),
    channel,
  });
  const told = await tellUsage(output, before, backend, jobLayout(settings.stateDir, task.jobId).directory);
  const { kind } = task.submission;
  if (kind === 'delegate') return told;
  return patiently(() => keepAnswer(kind, reader.lastMessage(), told, task, settings, channel), {
    isShort: () => false,
    failed: ({ code, message }) => ({ ok: false, code, message, run: told.run, retryAfterMs: null }),
    stop: channel.stop,
    patienceMs: PATIENCE_WITH_WORK_MS,
  });
}

/** The agent that an earlier call started, else a new one; none is started for a job that is to end. */
async function findOrStart(
  task: RunTask,
  backend: AgentBackend,
  files: ProcessLayout,
  settings: Settings,
  { stop }: StageChannel,
): Promise<Outcome<AgentProcess>> {
  const found = await findAgent(task.jobId, files);
  if (found !== null) return succeed(found);
  if (task.stopping || stop.aborted)
    return refuse('cancelled', { message: 'The job ended before its agent started.' });
  return start(task, backend, files, settings);
}

async function start(
  task: RunTask,
  backend: AgentBackend,
  files: ProcessLayout,
  settings: Settings,
): Promise<Outcome<AgentProcess>> {
  const place = await findPlace(task, settings);
  if (place === null) return refuse('agent_not_started', { message: 'The worktree of the job is gone.' });
  const { jobId, attempt, submission, worktree, threadId, deadlineAt } = task;
  const { directory: jobDirectory, temporary } = jobLayout(settings.stateDir, jobId);
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  const launch = await backend.launch(
    {
      jobId,
      attempt,
      submission,
      directory: place.directory,
      worktree,
      task: await assignmentOf(task, settings),
      threadId,
      jobDirectory,
    },
    settings,
  );
  if (!launch.ok) return launch;
  const agentStart = { stateDir: settings.stateDir, jobId, files, ...place, deadlineAt };
  return 'hostKind' in launch.value
    ? startHosted(agentStart, launch.value)
    : startAgent(agentStart, launch.value);
}

/** What the agent is told: a delegate its task as it stands, others their task in the frame of its kind. */
async function assignmentOf({ jobId, submission, task }: RunTask, { stateDir }: Settings): Promise<string> {
  const { kind } = submission;
  if (kind === 'delegate') return task;
  const changes = kind === 'review' ? await readFile(jobLayout(stateDir, jobId).changes, 'utf8') : '';
  return describeAssignment({ kind, task, changes, fence: jobId });
}

/** An agent that failed or was stopped does not tell what it spent; its thread does. */
async function tellUsage(
  output: RunOutput,
  before: Usage | null,
  backend: AgentBackend,
  jobDirectory: string,
): Promise<RunOutput> {
  const { run } = output;
  if (run === null || run.usage !== null || run.threadId === null) return output;
  const spent = await backend.spent(jobDirectory, run.threadId);
  return { ...output, run: { ...run, usage: ownUsage(spent, before) } };
}

const notStarted = ({ code, message }: Fault, retryAfterMs: number | null = null): RunOutput => ({
  ok: false,
  code,
  message,
  run: null,
  retryAfterMs,
});
