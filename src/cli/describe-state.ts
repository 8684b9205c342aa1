import type { z } from 'zod';
import type { jobList } from '../operations/job-list.js';
import type { JobStateAnswer } from '../operations/job-state.js';
import { inShell } from './in-shell.js';
import { columns, table } from './layout.js';
import { paint } from './terminal.js';
import type { WaitAnswer } from './wait-until-settled.js';

type ListAnswer = z.infer<typeof jobList.output>;

const NO_JOBS = 'There are no such jobs.\n';

const colours = { done: 'green', failed: 'red', expired: 'red', cancelled: 'yellow' } as const;

/** A job's status as a word, coloured once it has settled. */
export function paintStatus(status: string): string {
  return status in colours ? paint(colours[status as keyof typeof colours], status) : paint('cyan', status);
}

/** One job, for people. */
export function describeState(job: JobStateAnswer): string {
  const rows: [string, string | number | null][] = [
    ['kind', job.kind],
    ['label', job.label],
    ['goes on from', job.continues],
    ['since', job.since],
    ['stopping', job.stopping],
    ['place in line', job.queue_position],
    ['activity', job.activity],
    ['events', job.events_seen],
    ['tokens', describeUsage(job.usage)],
    ['deadline', job.deadline_at],
    ['reason', job.error?.message ?? null],
    ['advice', job.error && inShell(job.error.advice)],
  ];
  const known = rows
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, String(value)] as const);
  return [`${job.job_id}  ${paintStatus(job.status)}`, ...columns(known), ''].join('\n');
}

/** How many jobs of a group or label were ended. */
export const describeCancelled = ({ cancelled }: { cancelled: number }): string =>
  `${cancelled} ${cancelled === 1 ? 'job is' : 'jobs are'} cancelled.\n`;

export function describeUsage(usage: JobStateAnswer['usage']): string | null {
  if (usage === null) return null;
  return `${usage.input_tokens} in (${usage.cached_input_tokens} cached), ${usage.output_tokens} out`;
}

/** The state of several jobs, one a line. */
export function describeWait({ jobs, timed_out: timedOut }: WaitAnswer): string {
  if (jobs.length === 0) return NO_JOBS;
  const lines = jobs.map((job) => `${job.job_id}  ${paintStatus(job.status)}${whichOf(job)}`);
  return [...lines, ...(timedOut ? ['The time ran out; the jobs go on.'] : []), ''].join('\n');
}

/** The label, and why it was not done. */
function whichOf(job: WaitAnswer['jobs'][number]): string {
  if (job.status === 'unknown') return '';
  const words = [job.label, job.error?.message].filter((word) => word != null);
  return words.map((word) => `  ${word}`).join('');
}

/** A table of jobs. */
export function describeList({ jobs, next_cursor: cursor }: ListAnswer): string {
  if (jobs.length === 0) return NO_JOBS;
  const rows = jobs.map((job) => [
    job.job_id,
    job.kind,
    job.queue_position === null ? job.status : `${job.status} #${job.queue_position}`,
    job.since.slice(0, 19).replace('T', ' '),
    job.label ?? '',
    job.workspace_root,
  ]);
  const more = cursor === null ? [] : [`More: --cursor ${cursor}`];
  const heads = ['JOB', 'KIND', 'STATUS', 'SINCE (UTC)', 'LABEL', 'WORKSPACE'];
  return [table(heads, rows), ...more, ''].join('\n');
}
