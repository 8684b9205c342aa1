import { z } from 'zod';
import { refuse, succeed } from '../errors.js';
import type { Inspection } from '../inspect/inspection.js';
import { followJobLog } from '../inspect/job-log.js';
import type { Control } from '../ipc/serve-operations.js';
import type { House } from '../operations/operation.js';
import type { Web } from './web.js';

const USE_MS = 30_000;
const TOO_MANY = 'Too many look on already.';
const logInput = z.strictObject({ job_id: z.string(), follow: z.boolean() });

/** The daemon's own verbs for looking on: they report for as long as the caller listens. */
export function lookControls(house: House, inspection: Inspection, web: Web): Control {
  return {
    /** Answers the settings that this client would start a daemon with, and that this one has otherwise. */
    'settings.differing': async (_, { origin }) => house.differingSettings(origin.variables ?? {}),

    /** Answers where the page is. */
    'page.open': () => web.page(),

    /** Reports the feed: the opening, then frames, one JSON document each. */
    'feed.follow': (_, { report, signal }) =>
      new Promise((resolve) => {
        report(JSON.stringify(inspection.opening()));
        const watch = inspection.feed.watch({
          send(frame) {
            report(JSON.stringify(frame));
            return true;
          },
        });
        // Somebody looks on: the daemon is of use, also while nothing happens.
        const using = setInterval(house.called, USE_MS);
        const end = () => {
          clearInterval(using);
          watch?.close();
          resolve(
            watch === null ? refuse('machine_exhausted', { message: TOO_MANY }) : succeed({ ok: true }),
          );
        };
        if (watch === null || signal.aborted) end();
        else signal.addEventListener('abort', end, { once: true });
      }),

    /** Reports what the agents of a job did, one JSON document each. */
    'job.log': async (input, { report, signal }) => {
      const parsed = logInput.safeParse(input);
      if (!parsed.success) return refuse('invalid_arguments');
      const { job_id: jobId, follow } = parsed.data;
      const { supervisor, settings } = house;
      const found = await followJobLog(
        { supervisor, stateDir: settings.stateDir, jobId, from: null, follow, signal },
        async (entry) => report(JSON.stringify(entry)),
      );
      return found ? succeed({ ok: true }) : refuse('job_not_found');
    },
  };
}
