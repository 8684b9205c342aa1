import { closeSync, fstatSync, readSync } from 'node:fs';
import type { Progress, RunOutput, RunReport } from '../../machines/job.js';
import type { AgentConclusion, AgentFailure, AgentReader } from '../agents/agent.js';
import { promptLook } from '../git/look.js';
import type { ProcessLayout } from '../job/layout.js';
import { type AgentProcess, isAlive } from './agent-process.js';
import type { StageChannel } from './channel.js';
import { sweep } from './marked-processes.js';
import { openIfThere, readIfThere } from './proc.js';
import { agentStop } from './stop-agent.js';
import { openTail, type Tail } from './tail.js';
import { type FilesWatch, watchFiles } from './watch-files.js';

/** More output than this ends the agent. */
export const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;
/** Between two looks at the agent no more than this is read. */
const AT_ONCE_BYTES = 1024 * 1024;
const STDERR_BYTES = 64 * 1024;
/** An agent of its own whose turn has ended may take so long to end by itself. */
const LINGER_MS = 10_000;
/** And no longer than until so long before the deadline of its job, which is to be met by then. */
const BEFORE_DEADLINE_MS = 2_000;
export interface Following {
  jobId: string;
  agent: AgentProcess;
  reader: AgentReader;
  files: ProcessLayout;
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
  const { agent, reader, files, channel, jobId } = following;
  const tail = await openTail(files.stdout);
  const watch = watchFiles(files.directory);
  const stop = agentStop(agent, jobId);
  channel.stop.addEventListener('abort', stop.begin, { once: true });
  if (following.stopping || channel.stop.aborted) stop.begin();
  let followed: Followed;
  try {
    followed = await readToEnd(following, tail, watch, stop.begin);
  } finally {
    stop.release();
    channel.stop.removeEventListener('abort', stop.begin);
    watch.close();
    await tail.close();
  }
  const status = exitStatus(files.exit);
  // What left the process group; and what a supervisor that was killed has not ended itself.
  if (agent.containment === 'group' || status === null) await sweep(jobId);
  // How it ended tells of its turn, unless it was ended after that.
  const conclusion = reader.conclude({
    status: followed.lingered ? 0 : status,
    stderr: endOf(files.stderr),
  });
  const isLost = agent.place !== null && status === null && conclusion.failure !== null;
  return output(conclusion, followed.stoppedFor ?? (isLost ? HOST_LOST : null), following, status);
}

interface Followed {
  /** Why we stopped the agent, if something was wrong with it. */
  stoppedFor: AgentFailure | null;
  /** It was stopped because it did not end by itself after its turn. */
  lingered: boolean;
}

async function readToEnd(
  { agent, reader, files, channel, silenceMs, deadlineAt, maximumOutputBytes }: Following,
  tail: Tail,
  watch: FilesWatch,
  stop: () => void,
): Promise<Followed> {
  const followed: Followed = { stoppedFor: null, lingered: false };
  const stopFor = (cause: AgentFailure) => {
    followed.stoppedFor ??= cause;
    stop();
  };
  /** By the sizes, not by what was read: an agent may write faster than anybody reads. */
  const wroteTooMuch = () => sizeOf(files.stdout) + sizeOf(files.stderr) > maximumOutputBytes;
  // A host that is busy answers later, and one that were ended for it would take other jobs with it.
  const lingerMs = agent.place === null ? LINGER_MS : silenceMs;
  const take = reader.line.bind(reader);
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
      if (silentMs >= silenceMs) stopFor(silence(silenceMs));
    } else if (silentMs >= lingerMs || Date.now() >= deadlineAt - BEFORE_DEADLINE_MS) {
      followed.lingered = true;
      stop();
    }
    if (caughtUp) await watch.next();
  }
  // Also when it is found only now; and nobody wants to read all that.
  if (wroteTooMuch()) followed.stoppedFor ??= tooMuchOutput(maximumOutputBytes);
  else {
    while (!(await tail.read(take, AT_ONCE_BYTES)));
    tail.finish(take);
  }
  report(reader.progress(), reported, channel);
  return followed;
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
