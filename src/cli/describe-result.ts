import { counted } from '../counted.js';
import type { Answer } from '../operations/answer-view.js';
import type { JobResult } from '../operations/result.js';
import { describeAnswer } from './describe-answer.js';
import { describeUsage, paintStatus } from './describe-state.js';
import { inShell } from './in-shell.js';
import { decodePage } from './patch-pages.js';
import { paint, printable } from './terminal.js';

/** The result of a job for people: how it ended, what the agent says, what changed. */
export function describeResult(result: JobResult): string {
  const blocks = [
    `${result.job_id}  ${paintStatus(result.status)}${result.label === null ? '' : `  ${result.label}`}`,
    result.error === null
      ? ''
      : `${result.error.message} (${result.error.code})\n${inShell(result.error.advice)}`,
    result.summary ?? '',
    result.answer === null ? describeFiles(result) : describeAnswer(result.answer as Answer),
    result.warnings.map((warning) => `${paint('yellow', 'warning:')} ${warning}`).join('\n'),
    describeEffort(result),
    (result.events ?? []).map(describeEntry).join('\n'),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

/** The page of the patch that was asked for, as text, and how to get the next. */
export function describePage({ patch, patch_encoding: encoding, next_cursor: cursor }: JobResult): string {
  const text = printable(decodePage({ patch, patch_encoding: encoding }).toString());
  const more = cursor === null ? [] : [`More: --cursor ${cursor}`, ''];
  return ['', text, ...more].join('\n');
}

/** How to get at the patch, and on with it. */
export function describeNextSteps({ job_id: jobId, patch_bytes: bytes }: JobResult): string {
  if (bytes === null || bytes === 0) return '';
  return [
    '',
    `Read it:   offshoot patch ${jobId}`,
    `Apply it:  offshoot patch ${jobId} | git apply`,
    `Drop it:   offshoot consume ${jobId} > /dev/null`,
    '',
  ].join('\n');
}

function describeFiles({ files, files_total: total, patch_bytes: bytes }: JobResult): string {
  if (bytes === null) return 'There is no patch.';
  if (bytes === 0) return 'Nothing was changed.';
  const widest = Math.max(0, ...files.map(({ path }) => path.length));
  const lines = files.map(
    ({ path, added, removed }) => ` ${path.padEnd(widest)} | ${countLines(added, removed)}`,
  );
  const others = total > files.length ? [` and ${total - files.length} more`] : [];
  return [...lines, ...others, ` ${counted(total, 'file')}, ${counted(bytes, 'byte')} of patch`].join('\n');
}

const countLines = (added: number | null, removed: number | null) =>
  added === null || removed === null
    ? 'binary'
    : `${paint('green', `+${added}`)} ${paint('red', `-${removed}`)}`;

const describeEntry = ({ at, state, event, reason }: Record<string, string | null>) =>
  [at, state, event, reason].filter((word) => word != null).join('  ');

function describeEffort({ timings, usage }: JobResult): string {
  const times = Object.entries(timings).map(([state, ms]) => `${state} ${(ms / 1_000).toFixed(1)} s`);
  const tokens = describeUsage(usage);
  return paint('dim', [...times, ...(tokens === null ? [] : [`tokens ${tokens}`])].join(' · '));
}
