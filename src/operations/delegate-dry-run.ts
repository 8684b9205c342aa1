import { z } from 'zod';
import { succeed } from '../errors.js';
import { delegateFields } from './fields.js';
import { fitList, fitText } from './fit.js';
import { describeRefusal, jobError } from './job-state.js';
import { defineOperation, type House } from './operation.js';
import { checkHouse, toDelegation, toRequests } from './submit-job.js';

const count = z.number();
const presence = z.record(z.string(), count);

/** The fields of codex_delegate_async, which describes them: a second copy would only cost tokens. */
const { continues: _, task, ...fields } = delegateFields;
const input = z.strictObject({
  task: task.describe('The task that Codex would be given.'),
  ...(Object.fromEntries(
    Object.entries<z.ZodType>(fields).map(([name, field]) => [name, field.describe('As there.')]),
  ) as typeof fields),
});

const MAX_WARNINGS_BYTES = 4 * 1024;
const MAX_WARNING_BYTES = 512;

export const delegateDryRun = defineOperation({
  tool: 'codex_delegate_dry_run',
  command: 'dry-run',
  title: 'Preview a delegation without starting it',
  description:
    'Reads what a job of codex_delegate_async would start from, and whether it would be accepted, without starting one. ' +
    'Use it before a large or costly delegation, or when a patch lacks files you expected; it takes the fields of codex_delegate_async but continues, and refuses what that refuses. ' +
    'It takes the baseline as a job would, looks at it and throws it away: nothing of the repository is written, no model is asked and nothing is spent. ' +
    "The user's clean filters run on changed files, as for a job. " +
    'It takes up to 30 seconds; counts are of this instant, and the place in the queue may change.',
  input,
  output: z.object({
    ok: z.literal(true),
    ready: z.boolean().describe('It would be accepted now.'),
    problem: jobError.nullable(),
    base_commit: z.string(),
    baseline_commit: z.string().describe('With uncommitted changes.'),
    uncommitted_files: count,
    untracked: presence.describe('Files taken and left.'),
    checkout: presence.describe('files and bytes.'),
    submodules: presence.describe('present and missing.'),
    large_files: presence.describe('git-lfs content: present and missing.'),
    warm: z.boolean().describe('A finished worktree is reused.'),
    queue_position: count,
    jobs: presence.describe('In each state.'),
    limits: presence,
    task_bytes: count,
    warnings: z.array(z.string()),
  }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async handle(input, call) {
    const { house } = call;
    const requests = await toRequests([toDelegation(input)], call);
    if (!requests.ok) return requests;
    const [request] = requests.value;
    if (request === undefined) throw new Error('One input gives one request.');
    const { submission } = request;
    const [ready, preview, jobs] = await Promise.all([
      checkHouse(house),
      house.preview(submission),
      house.supervisor.countByState(),
    ]);
    if (!preview.ok) return preview;
    const { value } = preview;
    const accepted = ready.ok ? house.supervisor.roomFor(submission) : ready;
    return succeed({
      ok: true as const,
      ready: accepted.ok,
      problem: accepted.ok ? null : describeRefusal(accepted.fault),
      base_commit: value.baseCommit,
      baseline_commit: value.baselineCommit,
      uncommitted_files: value.uncommitted,
      untracked: value.untracked,
      checkout: { files: value.files, bytes: value.bytes },
      submodules: value.submodules,
      large_files: value.largeFiles,
      warm: value.warm,
      queue_position: house.supervisor.nextPlace(submission),
      jobs,
      limits: {
        max_running: house.settings.maxRunning,
        max_running_per_repo: house.settings.maxRunningPerRepo,
        deadline_seconds: submission.deadlineSeconds,
      },
      task_bytes: submission.taskBytes,
      warnings: fitList(
        [...value.warnings, reachOf(house.settings)].map(
          (warning) => fitText(warning, MAX_WARNING_BYTES).text,
        ),
        MAX_WARNINGS_BYTES,
      ),
    });
  },
});

/** What a job's commands can do beyond its worktree. */
const reachOf = ({ backend }: House['settings']): string =>
  backend === 'command'
    ? 'The program of the command backend has no sandbox: it reads and writes what the user can.'
    : "Codex's commands can read what the user can read, outside the repository too, and what they print goes to the model.";
