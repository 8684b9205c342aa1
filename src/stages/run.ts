import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { RunOutput, Usage } from '../../machines/job.js';
import type { AgentBackend } from '../agents/agent.js';
import { describeAssignment } from '../agents/assignment.js';
import { backendOf } from '../agents/backends.js';
import type { Settings } from '../config.js';
import type { Fault } from '../errors.js';
import { type AttemptLayout, attemptLayout, jobLayout } from '../job/layout.js';
import type { RunTask } from '../pool/messages.js';
import type { AgentProcess } from './agent-process.js';
import type { StageChannel } from './channel.js';
import { followAgent, MAX_OUTPUT_BYTES } from './follow-agent.js';
import { keepAnswer } from './keep-answer.js';
import { ownUsage, readOwnUsage } from './own-usage.js';
import { patiently } from './patiently.js';
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
  const backend = await backendOf(task.submission.backend);
  mkdirSync(files.directory, { recursive: true, mode: 0o700 });

  let agent = await findAgent(task.jobId, files);
  if (agent === null) {
    if (task.stopping || channel.stop.aborted)
      return notStarted({ code: 'cancelled', message: 'The job ended before its agent started.' });
    const started = await start(task, backend, files, settings);
    if ('ok' in started) return started;
    agent = started;
  }
  const reader = backend.reader();
  const before = task.submission.continues?.threadUsage ?? null;
  const output = await followAgent({
    jobId: task.jobId,
    agent,
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
  return kind === 'delegate' ? told : keepAnswer(kind, reader.lastMessage(), told, task, settings, channel);
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

async function start(
  task: RunTask,
  backend: AgentBackend,
  files: AttemptLayout,
  settings: Settings,
): Promise<AgentProcess | RunOutput> {
  const place = await findPlace(task, settings);
  if (place === null) {
    return notStarted({ code: 'agent_not_started', message: 'The worktree of the job is gone.' });
  }
  const { directory } = place;
  const { directory: jobDirectory, temporary } = jobLayout(settings.stateDir, task.jobId);
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  const { jobId, submission, worktree, threadId } = task;
  const assignment = await assignmentOf(task, settings);
  const launch = await backend.launch(
    {
      jobId,
      attempt: task.attempt,
      submission,
      directory,
      worktree,
      task: assignment,
      threadId,
      jobDirectory,
    },
    settings,
  );
  if (!launch.ok) return notStarted(launch.fault);
  const { stateDir } = settings;
  const agentStart = { stateDir, jobId, files, ...place, deadlineAt: task.deadlineAt };
  const started =
    'hostKind' in launch.value
      ? await startHosted(agentStart, launch.value)
      : await startAgent(agentStart, launch.value);
  if (started.ok) return started.value;
  return notStarted(started.fault, retryAfterMs(started.fault, task, settings, Date.now()));
}

/** What the agent is told: a delegate its task as it stands, others their task in the frame of its kind. */
async function assignmentOf({ jobId, submission, task }: RunTask, { stateDir }: Settings): Promise<string> {
  const { kind } = submission;
  if (kind === 'delegate') return task;
  const changes = kind === 'review' ? await readFile(jobLayout(stateDir, jobId).changes, 'utf8') : '';
  return describeAssignment({ kind, task, changes, fence: jobId });
}

const notStarted = ({ code, message }: Fault, retryAfterMs: number | null = null): RunOutput => ({
  ok: false,
  code,
  message,
  run: null,
  retryAfterMs,
});
