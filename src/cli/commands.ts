import { jobCancel } from '../operations/job-cancel.js';
import { jobList } from '../operations/job-list.js';
import { jobResult } from '../operations/job-result.js';
import type { JobStateAnswer } from '../operations/job-state.js';
import { jobStatus } from '../operations/job-status.js';
import { models } from '../operations/models.js';
import type { JobResult } from '../operations/result.js';
import { status } from '../operations/status.js';
import { batch } from './batch.js';
import { bench } from './bench.js';
import type { Command } from './command.js';
import { completion } from './completion.js';
import { config } from './config.js';
import { consult } from './consult.js';
import { consume } from './consume.js';
import { delegate } from './delegate.js';
import { describeInfo } from './describe-info.js';
import { describeModels } from './describe-models.js';
import { describeNextSteps, describePage, describeResult } from './describe-result.js';
import { describeCancelled, describeList, describeState } from './describe-state.js';
import { doctor } from './doctor.js';
import { dryRun } from './dry-run.js';
import { logs } from './logs.js';
import { machine } from './machine.js';
import { operationCommand } from './operation-command.js';
import { patch } from './patch.js';
import { programs } from './programs.js';
import { review } from './review.js';
import { stop } from './stop.js';
import { token } from './token.js';
import { inspect, ui } from './ui.js';
import { wait } from './wait.js';
import { watch } from './watch.js';

const withoutCompletion: readonly Command[] = [
  delegate,
  consult,
  review,
  batch,
  dryRun,
  wait,
  operationCommand<JobStateAnswer>(jobStatus, {
    words: 'job_id',
    summary: 'Show the state of one job.',
    describe: describeState,
  }),
  operationCommand<JobResult>(jobResult, {
    words: 'job_id',
    summary: 'Show what an ended job left.',
    describe: (result, { path, raw, cursor }) =>
      describeResult(result) + (path || raw || cursor ? describePage(result) : describeNextSteps(result)),
    good: (result) => result.status === 'done',
  }),
  patch,
  consume,
  operationCommand<JobStateAnswer & { cancelled: number }>(jobCancel, {
    words: 'job_id',
    wordsMayLack: true,
    summary: 'End a job, or all of a group or label; their patches so far are kept.',
    describe: (answer) => (answer.job_id === undefined ? describeCancelled(answer) : describeState(answer)),
  }),
  operationCommand(jobList, { summary: 'List the jobs, newest first.', describe: describeList }),
  operationCommand(status, {
    summary: 'Show whether Codex is ready, the limits and the daemon.',
    describe: describeInfo,
  }),
  operationCommand(models, {
    summary: 'List the models that Codex offers, with their efforts.',
    describe: describeModels,
  }),
  watch,
  logs,
  ui,
  inspect,
  machine,
  doctor,
  config,
  token,
  bench,
  ...programs,
  stop,
];

/** Every subcommand, in the order of the help. */
export const commands: readonly Command[] = [...withoutCompletion, completion(withoutCompletion)];
