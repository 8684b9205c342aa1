import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Span, type SpanOptions, type Tracer, trace } from '@opentelemetry/api';
import { createSupervisor } from '../../src/job/job-supervisor.js';
import { measuredPool, measuredStore } from '../../src/metrics/measured.js';
import { createMetrics } from '../../src/metrics/metrics.js';
import { traceJobs } from '../../src/metrics/spans.js';
import { createMemoryStore } from '../../src/store/memory.js';
import {
  letGoOn,
  patchReport,
  request,
  runReport,
  TestClock,
  testLog,
  testSettings,
  worktreeReport,
} from '../support/house.js';
import { SimulatedPool } from '../support/simulated-pool.js';

async function makeHouse() {
  const clock = new TestClock();
  const metrics = createMetrics('1.2.3');
  const simulated = new SimulatedPool({ worktree: () => ({ ok: true, worktree: worktreeReport }) });
  const settings = testSettings('/nonexistent', { maxRunning: 1 });
  const supervisor = await createSupervisor({
    store: measuredStore(createMemoryStore(), metrics),
    pool: measuredPool(simulated, metrics),
    settings,
    clock,
    log: testLog(),
  });
  metrics.watch(supervisor, settings);
  return { clock, metrics, pool: simulated, supervisor };
}
type House = Awaited<ReturnType<typeof makeHouse>>;

async function runJob({ supervisor, pool, clock }: House, whileRunning = async () => {}): Promise<string> {
  const accepted = await supervisor.submit([request()]);
  assert.ok(accepted.ok);
  const id = accepted.value[0]?.record.id ?? '';
  const running = await pool.next('run', id);
  await whileRunning();
  clock.advance(7_000);
  running.answer({ ok: true, run: runReport });
  (await pool.next('diff', id)).answer({ ok: true, patch: patchReport });
  await supervisor.settled([id], 'all', new AbortController().signal);
  return id;
}

describe('the metrics', () => {
  it('tell of jobs, stages, times and commits in the format of Prometheus', async () => {
    const house = await makeHouse();
    await runJob(house, async () => {
      const text = await house.metrics.render();
      assert.match(text, /^offshoot_jobs\{state="running"\} 1$/m);
      assert.match(text, /^offshoot_agents 1$/m);
      assert.match(text, /^offshoot_pool_stages\{stage="run"\} 1$/m);
    });
    const text = await house.metrics.render();
    assert.match(text, /^offshoot_info\{version="1\.2\.3"\} 1$/m);
    assert.match(text, /^offshoot_jobs\{state="done"\} 1$/m);
    assert.match(text, /^offshoot_jobs_accepted_total 1$/m);
    assert.match(text, /^offshoot_jobs_ended_total\{state="done",code="none"\} 1$/m);
    assert.match(text, /^offshoot_pool_stages\{stage="run"\} 0$/m);
    assert.match(text, /^offshoot_state_seconds_sum\{state="running"\} 7$/m);
    assert.match(text, /^offshoot_queue_wait_seconds_count 1$/m);
    assert.match(text, /^offshoot_event_loop_delay_seconds\{quantile="0\.99"\} /m);
    const [, commits] = /^offshoot_store_commit_seconds_count (\d+)$/m.exec(text) ?? [];
    assert.ok(Number(commits) >= 4);
  });
});

interface Told {
  name: string;
  start: unknown;
  end: unknown;
}

describe('the spans', () => {
  const told: Told[] = [];
  const tracer = {
    startSpan(name: string, { startTime }: SpanOptions = {}) {
      const span = { name, start: startTime, end: null as unknown };
      return {
        isRecording: () => true,
        setStatus: () => undefined,
        spanContext: () => ({ traceId: '1', spanId: '2', traceFlags: 1 }),
        end(at: unknown) {
          told.push({ ...span, end: at });
        },
      } as unknown as Span;
    },
  } as Tracer;

  before(() => void trace.setGlobalTracerProvider({ getTracer: () => tracer }));
  after(() => trace.disable());

  it('tell of a job that ended, and of each state that it was in', async () => {
    const house = await makeHouse();
    traceJobs(house.supervisor, '1.2.3');
    await runJob(house);
    await letGoOn();
    assert.deepEqual(
      told.map(({ name }) => name),
      ['offshoot.queued', 'offshoot.worktree', 'offshoot.running', 'offshoot.diffing', 'offshoot.job'],
    );
    const running = told.find(({ name }) => name === 'offshoot.running');
    assert.equal(Number(running?.end) - Number(running?.start), 7_000);
  });
});
