import { closeSync, fstatSync, readSync } from 'node:fs';
import type { Progress, RunOutput, RunReport } from '../../machines/job.js';
import type { AgentConclusion, AgentFailure, AgentReader } from '../agents/agent.js';
import { promptLook } from '../git/look.js';
import type { AttemptLayout } from '../job/layout.js';
import { type AgentProcess, askToStop, GRACE_SECONDS, isAlive, kill } from './agent-process.js';
import type { StageChannel } from './channel.js';
import { sweep } from './marked-processes.js';
import { openIfThere, readIfThere } from './proc.js';
import { openTail } from './tail.js';
import { watchFiles } from './watch-files.js';

/** More output than this ends the agent. */
export const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;
/** Between two looks at the agent no more than this is read. */
const AT_ONCE_BYTES = 1024 * 1024;
const STDERR_BYTES = 64 * 1024;
/** An agent of its own whose turn has ended may take so long to end by itself. */
const LINGER_MS = 10_000;
/** And no longer than until so long before the deadline of its job, which is to be met by then. */
const BEFORE_DEADLINE_MS = 2_000;
/** A supervisor that is only starting does not hear yet; asking it twice does no harm. */
const ASK_AGAIN_MS = 50;
/** A host hears from the start; being asked costs it a connection, by each of its jobs that stops. */
const ASK_HOST_AGAIN_MS = 1_000;
/** The supervisor keeps the grace itself; only one that is stuck or dead is overtaken. */
const OVERTAKE_MS = GRACE_SECONDS * 1_000 + 1_500;

export interface Following {
  jobId: string;
  agent: AgentProcess;
  reader: AgentReader;
  files: AttemptLayout;
  /** How long the agent may be silent when its reader knows no good reason for it. */
  silenceMs: number;
  /** When the job is to be over, in milliseconds since the epoch. */
  deadlineAt: number;
  /** More output than this ends the agent. */
  maximumOutputBytes: number;
  stopping: boolean;
  /** How long to wait before another attempt, in milliseconds; null when there is to be none. */
  retryAfterMs(failure: AgentFailure): number | null;
  channel: StageChannel;
}

/** Reads what the agent writes until all its processes are dead, and tells how the run went. */
export async function followAgent(following: Following): Promise<RunOutput> {
  const { agent, reader, files, channel, jobId, maximumOutputBytes } = following;
  const tail = await openTail(files.stdout);
  const watch = watchFiles(files.directory);
  const take = reader.line.bind(reader);
  // A host that is busy answers later, and one that were ended for it would take other jobs with it.
  const lingerMs = agent.place === null ? LINGER_MS : following.silenceMs;
  let stoppedFor: AgentFailure | null = null;
  let lingered = false;
  let overtake: NodeJS.Timeout | undefined;
  let askAgain: NodeJS.Timeout | undefined;

  const stop = () => {
    if (overtake !== undefined) return;
    askToStop(agent);
    askAgain = setInterval(() => askToStop(agent), agent.place === null ? ASK_AGAIN_MS : ASK_HOST_AGAIN_MS);
    // Should its sweep fail, the one at the end comes yet.
    overtake = setTimeout(() => void kill(agent, jobId).catch(() => undefined), OVERTAKE_MS);
  };
  const stopFor = (cause: AgentFailure) => {
    stoppedFor ??= cause;
    stop();
  };
  /** By the sizes, not by what was read: an agent may write faster than anybody reads. */
  const wroteTooMuch = () => sizeOf(files.stdout) + sizeOf(files.stderr) > maximumOutputBytes;
  channel.stop.addEventListener('abort', stop, { once: true });
  if (following.stopping || channel.stop.aborted) stop();

  try {
    let reported = '';
    // Not by the clock on the wall, which may be set.
    let lastSign = performance.now();
    while (isAlive(agent)) {
      if (wroteTooMuch()) stopFor(tooMuchOutput(maximumOutputBytes));
      const before = tail.position();
      const caughtUp = await tail.read(take, AT_ONCE_BYTES);
      if (tail.position() > before || reader.mayBeSilent()) lastSign = performance.now();
      reported = report(reader.progress(), reported, channel);
      const silentMs = performance.now() - lastSign;
      if (!reader.turnHasEnded()) {
        if (silentMs >= following.silenceMs) stopFor(silence(following.silenceMs));
      } else if (silentMs >= lingerMs || Date.now() >= following.deadlineAt - BEFORE_DEADLINE_MS) {
        lingered = true;
        stop();
      }
      if (caughtUp) await watch.next();
    }
    // Also when it is found only now; and nobody wants to read all that.
    if (wroteTooMuch()) stoppedFor ??= tooMuchOutput(maximumOutputBytes);
    else {
      while (!(await tail.read(take, AT_ONCE_BYTES)));
      tail.finish(take);
    }
    report(reader.progress(), reported, channel);
  } finally {
    clearTimeout(overtake);
    clearInterval(askAgain);
    channel.stop.removeEventListener('abort', stop);
    watch.close();
    await tail.close();
  }
  const status = exitStatus(files.exit);
  // What left the process group; and what a supervisor that was killed has not ended itself.
  if (agent.containment === 'group' || status === null) await sweep(jobId);
  // How it ended tells of its turn, unless it was ended after that.
  const conclusion = reader.conclude({ status: lingered ? 0 : status, stderr: endOf(files.stderr) });
  if (agent.place !== null && status === null && conclusion.failure !== null) stoppedFor ??= HOST_LOST;
  return output(conclusion, stoppedFor, following, status);
}

function output(
  conclusion: AgentConclusion,
  stoppedFor: AgentFailure | null,
  following: Following,
  exitCode: number | null,
): RunOutput {
  const run: RunReport = {
    exitCode,
    summary: conclusion.summary,
    threadId: conclusion.threadId,
    usage: conclusion.usage,
    containment: following.agent.containment,
    warnings: [...conclusion.warnings, ...(following.agent.containment === 'group' ? [HELD_LOOSELY] : [])],
  };
  const failure = stoppedFor ?? conclusion.failure;
  if (failure === null) return { ok: true, run };
  const { code, message } = failure;
  return { ok: false, code, message, run, retryAfterMs: following.retryAfterMs(failure) };
}

/** Sends progress on if it is news; answers what was sent last. */
function report(progress: Progress, reported: string, channel: StageChannel): string {
  const now = JSON.stringify(progress);
  if (now !== reported) channel.report(progress);
  return now;
}

const HELD_LOOSELY =
  'This machine gives no PID namespace: processes that left the agent were found by the marker in their environment. One that had emptied its environment could not be found, and may live.';

const HOST_LOST: AgentFailure = {
  code: 'host_lost',
  message: "The process that ran the agent's thread, with those of other jobs, ended under it.",
};

const tooMuchOutput = (maximumBytes: number): AgentFailure => ({
  code: 'output_too_large',
  message: `The agent wrote more than ${maximumBytes / 1024 / 1024} MiB of output and was stopped.`,
});

const silence = (milliseconds: number): AgentFailure => ({
  code: 'agent_silent',
  message: `The agent gave no sign of life for ${milliseconds / 1_000} s and was stopped.`,
});

/** The status that the supervisor wrote; null when it was killed before it could. */
function exitStatus(file: string): number | null {
  const text = readIfThere(file) ?? '';
  return /^\d+\n$/.test(text) ? Number(text) : null;
}

const sizeOf = (file: string): number => promptLook.at(file)?.size ?? 0;

function endOf(path: string): string {
  const file = openIfThere(path);
  if (file === null) return '';
  try {
    const { size } = fstatSync(file);
    const end = Buffer.alloc(Math.min(size, STDERR_BYTES));
    return end.toString('utf8', 0, readSync(file, end, 0, end.length, size - end.length));
  } finally {
    closeSync(file);
  }
}
