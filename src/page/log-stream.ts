import type { ServerResponse } from 'node:http';
import { clientGone } from '../http/client-gone.js';
import { followJobLog } from '../inspect/job-log.js';
import type { House } from '../operations/operation.js';
import { beginLines, writeLine } from './respond.js';

const PLACE = /^(\d{1,9})\.(\d{1,15})$/;

/**
 * Sends what the agents of a job did and do, an entry a line, until the job has settled. `from` is the place behind
 * the last entry that the page has, as `ATTEMPT.BYTE`; the log begins at its start without it. False if there is no
 * such job.
 */
export async function streamLog(
  response: ServerResponse,
  jobId: string,
  from: string | null,
  house: House,
): Promise<boolean> {
  if ((await house.supervisor.look(jobId)) === null) return false;
  const gone = clientGone(response);
  beginLines(response);
  response.flushHeaders();
  await followJobLog(
    {
      supervisor: house.supervisor,
      stateDir: house.settings.stateDir,
      jobId,
      from: placeOf(from),
      follow: true,
      signal: gone,
    },
    (entry) => writeLine(response, entry, gone),
  );
  response.end();
  return true;
}

function placeOf(from: string | null) {
  const [, attempt, byte] = PLACE.exec(from ?? '') ?? [];
  return attempt === undefined ? null : { attempt: Number(attempt), byte: Number(byte) };
}
