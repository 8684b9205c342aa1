import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, makeOffshoot, type Offshoot } from '../support/offshoot.js';

const CALLS = 6;
/** Between two calls: a third of what ends a burst. */
const PAUSE_MS = 5;
/** Calls that came later than this after the first did not come all at once. */
const SPREAD_MS = 12;
/** A loaded machine breaks a burst off now and then: one that came through is enough. */
const TRIES = 60;

interface Burst {
  /** The instants at which its calls were accepted, and at which jobs started, the first of each left out. */
  accepted: number[];
  started: number[];
}

describe('calls that come in a burst', { timeout: 300_000 }, () => {
  let offshoot: Offshoot;
  before(async () => {
    offshoot = await makeOffshoot({
      environment: {
        OFFSHOOT_BACKEND: 'command',
        OFFSHOOT_COMMAND: 'exec sleep 600',
        OFFSHOOT_MAX_RUNNING: '2',
      },
    });
    await offshoot.start();
    // What a daemon does once is done.
    await burst('first');
  });
  after(() => offshoot.remove());

  async function burst(label: string): Promise<Burst> {
    const calls: Promise<string>[] = [];
    for (let call = 0; call < CALLS; call += 1) {
      calls.push(offshoot.delegate(`task ${call}`, { label }));
      await delay(PAUSE_MS);
    }
    const ids = await Promise.all(calls);
    for (const id of ids.slice(0, 2)) await offshoot.reach(id, 'running');
    await offshoot.call('codex_job_cancel', { label });
    const results = await Promise.all(ids.map((id) => journalOf(id)));
    const at = (state: string) =>
      results
        .flatMap((events) => events.find((event) => event.state === state)?.at ?? [])
        .map((instant) => Date.parse(instant))
        .sort((one, other) => one - other)
        .slice(1);
    return { accepted: at('queued'), started: at('worktree') };
  }

  async function journalOf(jobId: string): Promise<Answer[]> {
    await offshoot.call('codex_job_wait', { job_ids: [jobId], timeout_seconds: 50 });
    return (await offshoot.call('codex_job_result', { job_id: jobId, detail: 'full' })).events;
  }

  it('are all accepted before a second job starts', async () => {
    const seen: string[] = [];
    for (let turn = 0; turn < TRIES; turn += 1) {
      const { accepted, started } = await burst(`burst ${turn}`);
      const [first = 0, last = 0] = [accepted[0], accepted.at(-1)];
      const second = started[0] ?? 0;
      if (last - first >= SPREAD_MS && second >= last) return;
      seen.push(`last call ${last - first} ms, second start ${second - first} ms after the second call`);
    }
    assert.fail(seen.join('\n'));
  });
});
