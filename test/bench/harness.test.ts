import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { type Plan, runScenarios } from '../../bench/harness.js';
import type { ScenarioReport } from '../../bench/report.js';
import type { Measurement, Scenario } from '../../bench/scenario.js';

const measurement: Measurement = { name: 'handle', unit: 'ms', better: 'lower', samples: [1, 2, 3] };

const plan: Plan = {
  quick: false,
  runs: 7,
  seed: 1,
  repository: null,
  agent: null,
  peer: null,
  profile: null,
  tell: () => undefined,
  signal: new AbortController().signal,
};

async function reportOf(scenario: Partial<Scenario>, over: Partial<Plan> = {}): Promise<ScenarioReport> {
  const whole: Scenario = {
    name: 'some',
    title: '',
    describe: '',
    run: async () => ({ measurements: [measurement], notes: ['Its own.'] }),
    ...scenario,
  };
  const [report] = (await runScenarios([whole], { ...plan, ...over })).scenarios;
  return report as ScenarioReport;
}

describe('a scenario', () => {
  it('that fails keeps what it had measured until then', async () => {
    const { rows, failure } = await reportOf({
      run: async ({ measurements }) => {
        measurements.push(measurement);
        throw new Error('The peer is no server.');
      },
    });
    assert.deepEqual(
      rows.map(({ name, spread }) => [name, spread.p50]),
      [['handle', 2]],
    );
    assert.equal(failure, 'The peer is no server.');
  });

  it('may take the longer the more rounds it has, and is ended then', async () => {
    const minutesLeft = async (runs: number) => {
      mock.timers.enable({ apis: ['setTimeout'] });
      let minutes = 0;
      const { failure } = await reportOf(
        {
          run: async ({ signal }) => {
            for (; !signal.aborted; minutes += 1) mock.timers.tick(60_000);
            return new Promise(() => undefined);
          },
        },
        { runs },
      );
      mock.timers.reset();
      assert.match(failure ?? '', /was ended before it was done/);
      return minutes;
    };
    assert.equal(await minutesLeft(1), 15);
    assert.equal(await minutesLeft(7), 15);
    assert.equal(await minutesLeft(70), 150);
  });

  it("says so where the user's repository changes nothing", async () => {
    const repository = { repository: '/some' };
    const own = { ownRepository: true } as const;
    assert.deepEqual((await reportOf(own)).notes, ['Its own.']);
    assert.deepEqual((await reportOf({}, repository)).notes, ['Its own.']);
    const [, told] = (await reportOf(own, repository)).notes;
    assert.match(told ?? '', /--repository changes nothing/);
  });
});
