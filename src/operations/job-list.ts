import { z } from 'zod';
import { type Outcome, refuse, succeed } from '../errors.js';
import { findRepository } from '../git/repository.js';
import { jobKinds, jobStates } from '../job/record.js';
import type { JobView } from '../job/supervisor.js';
import type { ListFilter } from '../store/store.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { groupId, label, workspaceRoot } from './fields.js';
import { enteredAt, instant } from './job-state.js';
import { defineOperation } from './operation.js';

const row = z.object({
  job_id: z.string(),
  label: z.string().nullable(),
  group_id: z.string().nullable(),
  continues: z.string().nullable(),
  kind: z.enum(jobKinds),
  status: z.enum(jobStates),
  since: z.string(),
  accepted_at: z.string(),
  queue_position: z.number().nullable(),
  workspace_root: z.string(),
  patch_bytes: z.number().nullable(),
  error_code: z.string().nullable(),
});

const input = z.strictObject({
  workspace_root: workspaceRoot.describe(
    'Only jobs of the repository that holds this directory; all unless given.',
  ),
  status: z.enum(jobStates).optional().describe('Only jobs in this state.'),
  kind: z.enum(jobKinds).optional().describe('Only jobs of this kind.'),
  label: label.describe('Only jobs with exactly this label.'),
  group_id: groupId.describe('Only jobs of exactly this group.'),
  limit: z.number().int().min(1).max(500).default(50).describe('Jobs in one answer, at most.'),
  cursor: z.string().max(200).optional().describe('next_cursor of the page before, with the same filters.'),
});

export const jobList = defineOperation({
  tool: 'codex_job_list',
  command: 'list',
  title: 'List jobs',
  description:
    'Lists the jobs of this machine that are still kept, newest first, with their state and label. ' +
    'Use it to find an id again, or what runs and waits; for the details of one job use codex_job_status, and for counts and limits alone use codex_status. ' +
    'It lists jobs of all clients and repositories unless filtered; the filters narrow it together. ' +
    'The next_cursor leads to older ones. ' +
    'Nothing is changed or spent.',
  input,
  output: z.object({ ok: z.literal(true), jobs: z.array(row), next_cursor: z.string().nullable() }),
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  async handle(request, { house }) {
    const filter = await toFilter(request);
    if (!filter.ok) return filter;
    const scope = JSON.stringify(filter.value);
    const before = request.cursor === undefined ? undefined : decodeCursor(request.cursor, scope);
    if (before === null) return refuse('invalid_cursor');
    const { limit } = request;
    const from = before === undefined ? {} : { before };
    // One more than asked for tells whether there is another page.
    const views = await house.supervisor.list({ ...filter.value, ...from, limit: limit + 1 });
    const last = views.length > limit ? views[limit - 1] : undefined;
    return succeed({
      ok: true as const,
      jobs: views.slice(0, limit).map(describeRow),
      next_cursor: last === undefined ? null : encodeCursor(last.record.sequence, scope),
    });
  },
});

async function toFilter(
  request: z.infer<typeof input>,
): Promise<Outcome<Pick<ListFilter, 'repository' | 'state' | 'kind' | 'label' | 'groupId'>>> {
  const { workspace_root: directory, status, kind, label, group_id: group } = request;
  const found = directory === undefined ? null : await findRepository(directory);
  if (found !== null && !found.ok) return found;
  return succeed({
    ...(found !== null && { repository: found.value.commonDirectory }),
    ...(status !== undefined && { state: status }),
    ...(kind !== undefined && { kind }),
    ...(label !== undefined && { label }),
    ...(group !== undefined && { groupId: group }),
  });
}

const describeRow = ({ record, queuePosition }: JobView): z.infer<typeof row> => ({
  job_id: record.id,
  label: record.submission.label,
  group_id: record.submission.groupId,
  continues: record.submission.continues?.jobId ?? null,
  kind: record.submission.kind,
  status: record.state,
  since: instant(enteredAt(record)),
  accepted_at: instant(record.entered.queued ?? 0),
  queue_position: queuePosition,
  workspace_root: record.submission.workspaceRoot,
  patch_bytes: record.context.patch?.bytes ?? null,
  error_code: record.context.ending?.code ?? null,
});
