import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { newClient } from '../support/mcp-client.js';
import { type Answer, commandLine, leavesNothing, type Offshoot } from '../support/offshoot.js';
import { type ActiveState, type Delegate, type EveryState, makeEveryState } from './every-state.js';

/** What was seen of a world before the fault, after it, and when all its jobs had settled. */
interface Seen {
  world: EveryState;
  before: Record<ActiveState, Answer>;
  after: Record<ActiveState, Answer>;
  results: Record<ActiveState, Answer>;
}

const direct = async (offshoot: Offshoot): Promise<Delegate> => offshoot.delegate;

/** Fills a world, does the fault to it, lets its jobs go on, and says how each of them must have fared. */
function holds(
  fault: (world: EveryState) => Promise<void>,
  connect: (offshoot: Offshoot) => Promise<Delegate> = direct,
): void {
  let seen: Seen;
  before(async () => {
    const world = await makeEveryState(connect);
    const before = await world.look();
    await fault(world);
    seen = { world, before, after: await world.look(), results: await world.finish() };
  });
  after(() => seen?.world.remove());

  const settledOnceAsDone = (state: ActiveState) => {
    const result = seen.results[state];
    assert.equal(seen.before[state].status, state);
    assert.equal(result.status, 'done', JSON.stringify(result.error));
    assert.equal(result.summary, 'Did it.');
    assert.match(result.patch.toString(), new RegExp(`\\+${state}\n`));
    assert.equal(result.events.filter((event: Answer) => event.state === 'done').length, 1);
  };

  it('a queued job keeps its place, and starts when it is its turn', () => {
    assert.equal(seen.after.queued.status, 'queued');
    assert.equal(seen.after.queued.queue_position, 1);
    settledOnceAsDone('queued');
  });

  it('a job whose worktree was being made gets it, whole', () => settledOnceAsDone('worktree'));

  it('a running agent works on, and nothing is asked of the model twice', () => {
    assert.equal(seen.after.running.status, 'running');
    settledOnceAsDone('running');
    assert.equal(seen.world.model.requests('running').length, 2);
  });

  it('a job that waits for its next attempt gets it, in the same thread', () => {
    settledOnceAsDone('retrying');
    assert.ok(seen.results.retrying.failed_attempts.length >= 1);
    // One conversation a job: the later attempt went on in the one there was.
    assert.equal(new Set(seen.world.model.requests().map(({ thread }) => thread)).size, 5);
  });

  it('a job whose patch was being captured keeps it', () => settledOnceAsDone('diffing'));

  it('no process and no slot is left', async () => {
    await leavesNothing(seen.world.offshoot);
  });
}

describe('after kill -9 of the daemon', () => {
  holds(async ({ offshoot }) => {
    await offshoot.kill();
    await offshoot.start();
  });
});

describe('after the death of all threads of the pool', () => {
  holds(async ({ gates, threads }) => {
    for (const gate of ['worktree', 'diffing'] as const) await gates.forget(gate);
    await threads.crash('pool');
    // The stages were entered again, on other threads.
    for (const gate of ['worktree', 'diffing'] as const) await gates.reached(gate);
  });
});

describe('after kill -9 of the bridge', () => {
  let bridge: number | null = null;
  holds(
    async () => {
      process.kill(bridge ?? 0, 'SIGKILL');
    },
    async (offshoot) => {
      const client = newClient({});
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [commandLine, 'mcp'],
        env: offshoot.environment,
      });
      await client.connect(transport);
      bridge = transport.pid;
      return async (task) => {
        const answer = await client.callTool({
          name: 'codex_delegate_async',
          arguments: { task, workspace_root: offshoot.repository },
        });
        return (answer.structuredContent as Answer).job_id;
      };
    },
  );
});
