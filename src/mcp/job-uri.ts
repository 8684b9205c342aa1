/** The two resources of a job: its state, and the patch it left. */
export interface JobUri {
  jobId: string;
  part: 'state' | 'patch';
  /** Where a page of the patch starts; only `codex_job_result` and a page before know such a cursor. */
  cursor: string | null;
}

const FORM = /^offshoot:\/\/jobs\/([0-9A-Za-z_-]{1,64})(?:(\/patch)(?:\?cursor=([0-9A-Za-z_-]{1,200}))?)?$/;

export const stateTemplate = 'offshoot://jobs/{id}';
export const patchTemplate = 'offshoot://jobs/{id}/patch{?cursor}';

export const stateUri = (jobId: string): string => `offshoot://jobs/${jobId}`;

export function patchUri(jobId: string, cursor: string | null = null): string {
  const uri = `${stateUri(jobId)}/patch`;
  return cursor === null ? uri : `${uri}?cursor=${cursor}`;
}

/** Null if the text is no URI of a job. */
export function parseJobUri(uri: unknown): JobUri | null {
  const [, jobId, patch, cursor] = typeof uri === 'string' ? (FORM.exec(uri) ?? []) : [];
  if (jobId === undefined) return null;
  return { jobId, part: patch === undefined ? 'state' : 'patch', cursor: cursor ?? null };
}
