import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import type { RunOutput, RunReport } from '../../machines/job.js';
import { type ReadingKind, readAnswer } from '../agents/answer.js';
import { plainText } from '../agents/plain-text.js';
import type { Settings } from '../config.js';
import { findAgentChanges } from '../git/agent-changes.js';
import { lookAt } from '../git/byte-path.js';
import { nameSome } from '../git/carried-files.js';
import { writeLast } from '../git/durable-file.js';
import { slotDirectory } from '../git/slot.js';
import { type Coverage, coverage, type Finding, isComplete, type KeptAnswer } from '../job/answer.js';
import { jobLayout, stateLayout } from '../job/layout.js';
import type { RunTask } from '../pool/messages.js';
import { aloneOnSlot } from './alone-on-slot.js';
import type { StageChannel } from './channel.js';

/** What the summary of a run holds of a longer answer. */
const SUMMARY_CHARACTERS = 16_384;

/**
 * Ends the run of an agent that was only to read: checks its answer and keeps it. An answer that does not have
 * its form fails the run, with what the agent said as its summary. What the agent changed, if it could, is told
 * and dropped.
 */
export async function keepAnswer(
  kind: ReadingKind,
  message: string | null,
  output: RunOutput,
  task: RunTask,
  settings: Settings,
  channel: StageChannel,
): Promise<RunOutput> {
  if (output.run === null) return output;
  const changed = await warnOfChanges(task, settings, channel);
  const run: RunReport = { ...output.run, warnings: [...output.run.warnings, ...changed] };
  if (!output.ok) return { ...output, run };
  const answer = readAnswer(kind, message);
  if (!answer.ok) {
    const { code, message } = answer.fault;
    return { ok: false, code, message, run, retryAfterMs: null };
  }
  const files = jobLayout(settings.stateDir, task.jobId);
  const seen = kind === 'review' ? await readCoverage(files.coverage) : null;
  const { verdict, confidence, findings, ...said } = answer.value;
  const kept: KeptAnswer = {
    ...said,
    ...judgeWhole({ verdict, confidence }, seen),
    findings: findings.map((finding) => ({ ...finding, place: placeOf(finding, task.worktree, seen) })),
  };
  await writeLast(files.answer, JSON.stringify(kept), []);
  return { ok: true, run: { ...run, summary: plainText(kept.summary, SUMMARY_CHARACTERS) } };
}

const readCoverage = async (file: string): Promise<Coverage> =>
  coverage.parse(JSON.parse(await readFile(file, 'utf8')));

type Judgement = Pick<KeptAnswer, 'verdict' | 'confidence'>;

/** A reviewer who has not seen everything can say that something is wrong, but not that nothing is. */
const judgeWhole = (judged: Judgement, seen: Coverage | null): Judgement =>
  judged.verdict === 'pass' && seen !== null && !isComplete(seen)
    ? { verdict: 'partial', confidence: 'low' }
    : judged;

function placeOf(
  { file, line }: Finding,
  worktree: string,
  seen: Coverage | null,
): KeptAnswer['findings'][number]['place'] {
  if (file === null) return null;
  const path = posix.normalize(file.startsWith(`${worktree}/`) ? file.slice(worktree.length + 1) : file);
  const reviewed = seen?.reviewed.find((each) => each.path === path);
  if (reviewed !== undefined) {
    const within = reviewed.lines.some(([first, last]) => line !== null && line >= first && line <= last);
    return line === null || reviewed.lines.length === 0 || within ? 'under_review' : 'elsewhere';
  }
  if (!isThere(worktree, path)) return 'no_such_file';
  return seen === null ? null : 'elsewhere';
}

const isThere = (worktree: string, path: string): boolean =>
  !path.startsWith('../') && lookAt(worktree, Buffer.from(path).toString('latin1')) !== undefined;

/** The sandbox lets the agent write nothing; a server that the user's configuration starts has no sandbox. */
async function warnOfChanges(
  { jobId, submission, baselineCommit }: RunTask,
  settings: Settings,
  { stop }: StageChannel,
): Promise<string[]> {
  if (baselineCommit === null) return [];
  const { repositories } = stateLayout(settings.stateDir);
  const slot = slotDirectory(repositories, submission.repository, jobId);
  const found = await aloneOnSlot(slot, jobLayout(settings.stateDir, jobId).atWork, () =>
    findAgentChanges(slot, baselineCommit, settings.environment, stop),
  );
  if (found.length === 0) return [];
  return [`The agent was only to read, and changed files all the same; that is dropped: ${nameSome(found)}.`];
}
