import type { Outcome } from '../errors.js';
import { parseJobUri, patchTemplate, patchUri, stateTemplate, stateUri } from './job-uri.js';
import { invalidParams, RpcError, refusalError } from './rpc-error.js';
import type { Caller, McpRequest, McpResult, McpService } from './service.js';
import { callOperation } from './tools.js';

/** Resources in one answer of `resources/list`: each job has two at most. */
const LISTED_JOBS = 50;
/** How many of the newest jobs are looked through to complete an id; 100 values is the protocol's own bound. */
const COMPLETED_JOBS = 500;
const COMPLETED_VALUES = 100;

const PATCH_TYPE = 'text/x-diff';
const STATE_TYPE = 'application/json';

/** Under this key of `_meta` stands the URI of the patch's next page; null on the last. */
const NEXT_URI = 'offshoot/next_uri';

export const resourceTemplates = [
  {
    name: 'job',
    title: 'State of a job',
    uriTemplate: stateTemplate,
    description: 'What codex_job_status answers. Subscribers hear of each transition.',
    mimeType: STATE_TYPE,
  },
  {
    name: 'patch',
    title: 'Patch of a settled job',
    uriTemplate: patchTemplate,
    description: `A page of the patch, a blob where it is not UTF-8; _meta "${NEXT_URI}" names the next page.`,
    mimeType: PATCH_TYPE,
  },
];

/** A line of what `codex_job_list` answers. */
interface ListedJob {
  job_id: string;
  label: string | null;
  status: string;
  since: string;
  patch_bytes: number | null;
}

interface ListedJobs {
  jobs: ListedJob[];
  next_cursor: string | null;
}

/** Jobs as resources, newest first, rendered from the operations that tools have too. */
export function jobResources(service: McpService, notFoundCode: number) {
  const call = async <Answer>(tool: string, input: object, caller: Caller): Promise<Answer> =>
    answerOf<Answer>(await callOperation(service, tool, input, caller), notFoundCode);

  return {
    async list({ params }: McpRequest, caller: Caller): Promise<McpResult> {
      const cursor = params?.cursor ? { cursor: params.cursor } : {};
      const page = await call<ListedJobs>('codex_job_list', { limit: LISTED_JOBS, ...cursor }, caller);
      return {
        resources: page.jobs.flatMap(describe),
        ...(page.next_cursor === null ? {} : { nextCursor: page.next_cursor }),
      };
    },

    async read({ params }: McpRequest, caller: Caller): Promise<McpResult> {
      const named = parseJobUri(params?.uri);
      if (named === null) throw new RpcError(notFoundCode, 'There is no such resource.');
      const { jobId, part, cursor } = named;
      if (part === 'state') {
        const state = await call<object>('codex_job_status', { job_id: jobId }, caller);
        const text = JSON.stringify(state);
        return { contents: [{ uri: stateUri(jobId), mimeType: STATE_TYPE, text }] };
      }
      const input = { job_id: jobId, ...(cursor === null ? {} : { cursor }) };
      return {
        contents: [patchContents(patchUri(jobId, cursor), await call('codex_job_result', input, caller))],
      };
    },

    async complete({ params }: McpRequest, caller: Caller): Promise<McpResult> {
      const prefix = completedPrefix(params);
      const { jobs } = await call<ListedJobs>('codex_job_list', { limit: COMPLETED_JOBS }, caller);
      const ids = jobs.map(({ job_id }) => job_id).filter((id) => id.startsWith(prefix));
      const values = ids.slice(0, COMPLETED_VALUES);
      return { completion: { values, total: ids.length, hasMore: ids.length > values.length } };
    },
  };
}

function answerOf<Answer>(outcome: Outcome<unknown>, notFoundCode: number): Answer {
  if (outcome.ok) return outcome.value as Answer;
  const missing = outcome.fault.code === 'job_not_found';
  throw missing ? refusalError(outcome.fault, notFoundCode) : refusalError(outcome.fault);
}

function describe({ job_id, label, status, since, patch_bytes }: ListedJob): object[] {
  const name = label ?? job_id;
  const state = {
    uri: stateUri(job_id),
    name,
    description: `Job, ${status}`,
    mimeType: STATE_TYPE,
    annotations: { lastModified: since },
  };
  if (patch_bytes === null) return [state];
  return [state, { uri: patchUri(job_id), name: `${name}.patch`, mimeType: PATCH_TYPE, size: patch_bytes }];
}

/** The parts of what `codex_job_result` answers that a page of the patch is made of. */
interface ResultPage {
  job_id: string;
  patch: string | null;
  patch_encoding: 'utf-8' | 'base64' | null;
  next_cursor: string | null;
}

function patchContents(uri: string, { job_id, patch, patch_encoding, next_cursor }: ResultPage): object {
  const body = patch_encoding === 'base64' ? { blob: patch } : { text: patch ?? '' };
  const next = next_cursor === null ? null : patchUri(job_id, next_cursor);
  return { uri, mimeType: PATCH_TYPE, ...body, _meta: { [NEXT_URI]: next } };
}

/** What a client has typed of a job's id: nothing else of ours can be completed. */
function completedPrefix(params: McpRequest['params']): string {
  const { ref, argument } = (params ?? {}) as {
    ref?: { uri?: unknown };
    argument?: { name?: unknown; value?: unknown };
  };
  const known = ref?.uri === stateTemplate || ref?.uri === patchTemplate;
  if (known && argument?.name === 'id' && typeof argument.value === 'string') return argument.value;
  throw invalidParams(`Only the id of ${stateTemplate} and ${patchTemplate} can be completed.`);
}
