import { type Outcome, succeed } from '../errors.js';
import type { Supervisor } from '../job/supervisor.js';
import { invalidArgument } from './invalid-argument.js';

/** How a call names its jobs: by id, by group, or by label. */
export interface Selection {
  ids?: readonly string[] | undefined;
  group_id?: string | undefined;
  label?: string | undefined;
}

/** More jobs than this are not looked at in one call. */
const MAX_SELECTED = 1_000;

/** The ids of the jobs that a call names in one of the ways, newest first for a group or a label. */
export async function selectJobs(selection: Selection, supervisor: Supervisor): Promise<Outcome<string[]>> {
  const { ids, group_id: groupId, label } = selection;
  const ways = [ids, groupId, label].filter((way) => way !== undefined);
  if (ways.length !== 1)
    return invalidArgument('group_id', 'Name the jobs in one way: by id, by group_id or by label.');
  if (ids !== undefined) return succeed([...new Set(ids)]);
  const filter = groupId === undefined ? { label } : { groupId };
  const views = await supervisor.list({
    ...(filter as { label: string } | { groupId: string }),
    limit: MAX_SELECTED,
  });
  return succeed(views.map(({ record }) => record.id));
}
