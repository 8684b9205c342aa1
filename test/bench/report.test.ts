import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { besideBaseline, parseReport } from '../../bench/baseline.js';
import { hotSpots } from '../../bench/hot-spots.js';
import { performancePage } from '../../bench/performance-page.js';
import { missedTargets, type Report, rowOf, worstFirst } from '../../bench/report.js';
import type { Measurement } from '../../bench/scenario.js';
import { baselineText, cells, closingText, figure, scenarioText } from '../../bench/table.js';

const measurement = (over: Partial<Measurement> = {}): Measurement => ({
  name: 'handle',
  unit: 'ms',
  better: 'lower',
  samples: [9, 10, 11],
  ...over,
});

const judged = { quick: false };

const reportOf = (...measurements: Measurement[]): Report => ({
  format: 1,
  date: '2026-01-01T00:00:00.000Z',
  host: {
    system: 'linux',
    processor: 'some',
    cores: 2,
    memoryMB: 1_000,
    freeMemoryMB: 500,
    load: 0.1,
    fileSystem: 'ext4',
    versions: { node: 'v20' },
  },
  seed: 1,
  runs: 3,
  quick: false,
  repository: null,
  agent: null,
  scenarios: [
    {
      name: 'submit',
      title: 'Title',
      describe: 'Text.',
      seconds: 1,
      rows: measurements.map((each) => rowOf(each, judged)),
      notes: ['A note.'],
      failure: null,
    },
  ],
  profiles: [],
});

describe('a target', () => {
  const isMet = (over: Partial<Measurement>) => rowOf(measurement(over), judged).targets[0]?.met;

  it('is met at its bound and missed beyond it', () => {
    assert.equal(isMet({ targets: [{ of: 'p50', is: 'at most', bound: 10 }] }), true);
    assert.equal(isMet({ targets: [{ of: 'max', is: 'at most', bound: 10 }] }), false);
    assert.equal(isMet({ targets: [{ of: 'p50', is: 'at least', bound: 10.5 }] }), false);
  });

  it('may be on the ratio to what stands beside', () => {
    const beside = { name: 'bare', samples: [10, 20, 10] };
    assert.equal(isMet({ beside, targets: [{ of: 'ratio', is: 'at least', bound: 0.9 }] }), true);
    assert.equal(isMet({ beside, targets: [{ of: 'ratio', is: 'at least', bound: 0.95 }] }), false);
  });

  it('that was missed is told in the table and on the page, with the reason if it is known', () => {
    const report = reportOf(
      measurement({ targets: [{ of: 'p50', is: 'at most', bound: 5 }] }),
      measurement(),
    );
    assert.equal(missedTargets(report).length, 1);
    assert.match(report.scenarios.map(scenarioText).join(), /MISSED: p50 at most 5\.00 ms/);
    const page = performancePage(report, [
      {
        name: 'submit',
        title: '',
        describe: '',
        whyNotReached: 'The disk is slow.',
        run: async () => ({ measurements: [] }),
      },
    ]);
    assert.match(
      page,
      /- `submit`, handle: p50 at most 5\.00 ms, found 10\.0\.\n\nWhy `submit`: The disk is slow\./,
    );
    assert.match(page, /\| handle \| ms \| 10\.0 \|/);
  });

  it('stands beside others of its row, of which each is judged by itself', () => {
    const row = rowOf(
      measurement({
        targets: [
          { of: 'p50', is: 'at most', bound: 5 },
          { of: 'max', is: 'at most', bound: 50 },
        ],
      }),
      judged,
    );
    assert.match(cells(row).join(), /MISSED: p50 at most 5\.00 ms; met: max at most 50\.0 ms/);
    const report = reportOf();
    report.scenarios[0]?.rows.push(row);
    assert.deepEqual(
      missedTargets(report).map(({ target }) => target.of),
      ['p50'],
    );
  });

  it('is not judged by a run that measures nothing', () => {
    const row = rowOf(measurement({ targets: [{ of: 'p50', is: 'at most', bound: 5 }] }), { quick: true });
    assert.equal(row.targets[0]?.met, null);
    const report = { ...reportOf(), quick: true };
    report.scenarios[0]?.rows.push(row);
    assert.deepEqual(missedTargets(report), []);
    const told =
      report.scenarios.map(scenarioText).join() + closingText(report) + performancePage(report, []);
    assert.match(told, /p50 at most 5\.00 ms/);
    assert.match(told, /No target was judged/);
    assert.doesNotMatch(told, /MISSED|met:|was missed|was reached/);
  });

  it('is further away by the factor that is missing, whether more or less is better', () => {
    const scenario = (name: string, ...measurements: Measurement[]) => ({
      ...(reportOf(...measurements).scenarios[0] as Report['scenarios'][number]),
      name,
    });
    const report = {
      ...reportOf(),
      scenarios: [
        scenario('met', measurement({ targets: [{ of: 'p50', is: 'at most', bound: 20 }] })),
        scenario('none', measurement()),
        scenario(
          'twice',
          measurement({ targets: [{ of: 'p50', is: 'at least', bound: 20 }] }),
          measurement(),
        ),
        scenario('thrice', measurement({ targets: [{ of: 'p50', is: 'at most', bound: 3 }] })),
        scenario('wholly', measurement({ targets: [{ of: 'max', is: 'at most', bound: 0 }] })),
      ],
    };
    assert.deepEqual(worstFirst(report), ['wholly', 'thrice', 'twice', 'met']);
  });
});

describe('a profile', () => {
  const profile = {
    nodes: [
      { id: 1, callFrame: { functionName: '(idle)', url: '' } },
      { id: 2, callFrame: { functionName: 'read', url: 'file:///x/dist/src/git/patch.js' } },
      { id: 3, callFrame: { functionName: '', url: 'file:///x/node_modules/@scope/library/lib/index.js' } },
      { id: 4, callFrame: { functionName: 'open', url: 'node:fs' } },
    ],
    samples: [1, 2, 2, 3, 4, 1],
    timeDeltas: [0, 9_000, 1_000, 2_000, 1_000, 500],
  };

  it('tells the functions with the most time of their own, over all threads, and where they are from', () => {
    const [first, second, ...rest] = hotSpots([profile, profile], 3);
    assert.deepEqual(first, { name: 'read', module: 'src/git/patch', selfMs: 6, share: (6 / 9) * 100 });
    assert.deepEqual(second, {
      name: '(anonymous)',
      module: '@scope/library',
      selfMs: 2,
      share: (2 / 9) * 100,
    });
    assert.deepEqual(
      rest.map(({ module }) => module),
      ['node:fs'],
    );
  });

  it('stands on the page with what it led to', () => {
    const report = {
      ...reportOf(measurement()),
      profiles: [{ scenario: 'submit', hotSpots: hotSpots([profile], 1) }],
    };
    const scenario = { name: 'submit', title: '', describe: '', run: async () => ({ measurements: [] }) };
    const page = performancePage(report, [{ ...scenario, whatProfileLedTo: 'less of it.' }]);
    assert.match(page, /\| read \| src\/git\/patch \| 3\.00 \| 66\.7 \|\n\nWhat it led to: less of it\./);
    assert.doesNotMatch(performancePage(reportOf(measurement()), []), /Where the time goes/);
  });
});

describe('a baseline', () => {
  it('is compared figure by figure; what only one run has is left out', () => {
    const before = reportOf(measurement({ samples: [20, 20, 20] }), measurement({ name: 'gone' }));
    const now = reportOf(measurement(), measurement({ name: 'new' }));
    const { rows } = besideBaseline(now, before);
    assert.deepEqual(
      rows.map(({ name, before: old, now: fresh, change }) => [
        name,
        old,
        fresh,
        change.ratio,
        change.verdict,
      ]),
      [['handle', 20, 10, 0.5, 'better']],
    );
  });

  it('of another plan or machine is told of as such', () => {
    const now = reportOf(measurement());
    const differing = (over: Partial<Report>) => besideBaseline(now, { ...now, ...over }).differing;
    assert.deepEqual(differing({ date: '2025-01-01T00:00:00.000Z', runs: 9 }), []);
    assert.deepEqual(differing({ host: { ...now.host, load: 9, versions: {} } }), []);
    assert.deepEqual(differing({ host: { ...now.host, cores: 8 } }), ['the machine']);
    assert.deepEqual(differing({ quick: true, seed: 2, repository: '/one', agent: 'true' }), [
      '--quick',
      '--seed',
      '--repository',
      '--agent',
    ]);
    const { repository: _, agent: __, ...earlier } = now;
    assert.deepEqual(besideBaseline(now, earlier as Report).differing, []);
    const text = baselineText(besideBaseline(now, { ...now, seed: 2 }));
    assert.match(text, /^What was measured is not the same in both runs, which differ in: --seed\.$/m);
    assert.doesNotMatch(baselineText(besideBaseline(now, now)), /not the same/);
  });

  it('comes from the document that --json prints, and from nothing else', () => {
    const report = reportOf(measurement());
    assert.deepEqual(parseReport(JSON.stringify(report)), report);
    for (const text of ['', '[]', 'null', '{"format":2,"scenarios":[]}', '{"format":1}'])
      assert.equal(parseReport(text), null);
  });
});

describe('a figure', () => {
  it('has three digits that count', () => {
    assert.deepEqual([0, 0.01234, 1.5, 12.345, 999.4, 123_456].map(figure), [
      '0',
      '0.0123',
      '1.50',
      '12.3',
      '999',
      '123,456',
    ]);
  });
});
