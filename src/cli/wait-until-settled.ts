import type { ErrorCode, Outcome } from '../errors.js';
import { type AwaitedJob, jobWait } from '../operations/job-wait.js';
import type { Link } from './link.js';
import { liveLine } from './terminal.js';

export interface WaitAnswer {
  timed_out: boolean;
  jobs: AwaitedJob[];
}

/** A daemon that went away is called again this often in a row: the next one goes on with the jobs. */
const MAX_LOST_DAEMONS = 5;
const LOST: readonly ErrorCode[] = ['answer_lost', 'daemon_unavailable'];
const LONGEST_WAIT_SECONDS = 50;

/** Waits without a limit of time; `request` is the operation's, which says for which jobs. */
export async function waitUntilSettled(link: Link, request: object): Promise<Outcome<WaitAnswer>> {
  const input = { ...request, timeout_seconds: LONGEST_WAIT_SECONDS };
  let lostDaemons = 0;
  try {
    for (;;) {
      const answer = await link.call<WaitAnswer>(jobWait.tool, input, liveLine.show);
      if (answer.ok) {
        lostDaemons = 0;
        if (!answer.value.timed_out) return answer;
      } else if (!LOST.includes(answer.fault.code) || lostDaemons === MAX_LOST_DAEMONS) {
        return answer;
      } else {
        lostDaemons += 1;
      }
    }
  } finally {
    liveLine.clear();
  }
}
