import { useEffect, useState } from 'preact/hooks';
import type { JobRow } from '../inspect/frames.js';
import { ask } from './session.js';
import { isSettled, type State } from './swarm.js';

/** What `/api/jobs/ID` answers. */
export interface JobDetails {
  journal: { at: number; state: State; event: string; reason: string | null }[];
  processes: { pid: number; name: string; cpuMs: number; memoryBytes: number }[];
  model: string | null;
  baselineCommit: string | null;
  /** The earlier job that it goes on from. */
  continues: string | null;
}

const AGAIN_MS = 2_000;

/** The details of a job: read anew with each of its transitions, and from time to time while it is at work. */
export function useDetails(id: string, job: JobRow | undefined): JobDetails | null {
  const [details, setDetails] = useState<JobDetails | null>(null);
  const there = job !== undefined;
  const settled = job !== undefined && isSettled(job.state);
  useEffect(() => {
    if (!there) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    const read = async () => {
      const found: JobDetails | null = await ask(`/api/jobs/${id}`)
        .then((response) => (response.ok ? response.json() : null))
        .catch(() => null);
      if (left) return;
      if (found !== null) setDetails(found);
      if (!settled) timer = setTimeout(read, AGAIN_MS);
    };
    void read();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [id, there, job?.state, job?.ending, settled]);
  return details;
}
