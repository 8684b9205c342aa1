import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Outcome, succeed } from '../errors.js';
import type { JobView, Supervisor } from '../job/supervisor.js';
import { invalidArgument } from './invalid-argument.js';

/** How a call names its jobs: by id, by group, or by label. */
export interface Selection extends Name {
  ids?: readonly string[] | undefined;
}

/** What jobs have in common. */
export interface Name {
  group_id?: string | undefined;
  label?: string | undefined;
}

/** So many are looked at in one turn: a group may be as long as the queue. */
const PAGE = 200;

/** Refuses a call that does not name its jobs in exactly one way. */
export function namedInOneWay({ ids, group_id: groupId, label }: Selection): Outcome<null> {
  const ways = [ids, groupId, label].filter((way) => way !== undefined);
  if (ways.length === 1) return succeed(null);
  return invalidArgument('group_id', 'Name the jobs in one way: by id, by group_id or by label.');
}

/** The ids of all the jobs that a call names in one of the ways, newest first for a group or a label. */
export async function selectJobs(selection: Selection, supervisor: Supervisor): Promise<Outcome<string[]>> {
  const named = namedInOneWay(selection);
  if (!named.ok) return named;
  if (selection.ids !== undefined) return succeed([...new Set(selection.ids)]);
  const ids: string[] = [];
  for await (const views of pagesOf(selection, supervisor)) ids.push(...views.map(({ record }) => record.id));
  return succeed(ids);
}

/** All jobs of a group or with a label, newest first, a turn of the event loop for each page. */
export async function* pagesOf(
  { group_id: groupId, label }: Name,
  supervisor: Supervisor,
): AsyncGenerator<JobView[]> {
  const filter = { ...(groupId !== undefined && { groupId }), ...(label !== undefined && { label }) };
  for (let before: number | undefined; ; ) {
    const from = before === undefined ? {} : { before };
    const views = await supervisor.list({ ...filter, ...from, limit: PAGE });
    // A job that was made durable just now is in the queue one turn later.
    await nextTurn();
    yield views;
    if (views.length < PAGE) return;
    before = views.at(-1)?.record.sequence;
  }
}
