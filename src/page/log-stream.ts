import type { ServerResponse } from 'node:http';
import { clientGone } from '../http/client-gone.js';
import { followJobLog } from '../inspect/job-log.js';
import type { House } from '../operations/operation.js';
import { beginLines, writeLine } from './respond.js';

/** Sends what the agents of a job did and do, an entry a line, until the job has settled. False if there is no such job. */
export async function streamLog(response: ServerResponse, jobId: string, house: House): Promise<boolean> {
  if ((await house.supervisor.look(jobId)) === null) return false;
  const gone = clientGone(response);
  beginLines(response);
  response.flushHeaders();
  await followJobLog(
    {
      supervisor: house.supervisor,
      stateDir: house.settings.stateDir,
      jobId,
      follow: true,
      signal: gone,
    },
    (entry) => writeLine(response, entry, gone),
  );
  response.end();
  return true;
}
