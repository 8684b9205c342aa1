import { useRef, useState } from 'preact/hooks';
import type { JobRow } from '../../inspect/frames.js';
import { call } from '../session.js';

/** Ends a job, once it was confirmed. */
export function CancelButton({ job }: { job: JobRow }) {
  const asked = job.ending !== null;
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const cancel = async () => {
    dialog.current?.close();
    await call('codex_job_cancel', { job_id: job.id }).catch((error: Error) => setProblem(error.message));
  };
  return (
    <>
      <button type="button" class="danger" disabled={asked} onClick={() => dialog.current?.showModal()}>
        {asked ? 'Ending…' : 'Cancel job'}
      </button>
      {problem !== null && (
        <p class="warning" role="alert">
          {problem}
        </p>
      )}
      <dialog ref={dialog} aria-labelledby="cancel-title">
        <h2 id="cancel-title">Cancel this job?</h2>
        <p>
          Its agent is stopped, and so are the jobs that it started.
          {job.kind === 'delegate' && ' What it changed so far is kept as a patch.'}
        </p>
        <div class="actions">
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep it running
          </button>
          <button type="button" class="danger" onClick={() => void cancel()}>
            Cancel job
          </button>
        </div>
      </dialog>
    </>
  );
}
