import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { besideBaseline, parseReport } from '../../bench/baseline.js';
import { performancePage } from '../../bench/performance-page.js';
import { missedTargets, type Report, rowOf } from '../../bench/report.js';
import type { Measurement } from '../../bench/scenario.js';
import { figure, scenarioText } from '../../bench/table.js';

const measurement = (over: Partial<Measurement> = {}): Measurement => ({
  name: 'handle',
  unit: 'ms',
  better: 'lower',
  samples: [9, 10, 11],
  ...over,
});

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
  scenarios: [
    {
      name: 'submit',
      title: 'Title',
      describe: 'Text.',
      seconds: 1,
      rows: measurements.map(rowOf),
      notes: ['A note.'],
      failure: null,
    },
  ],
});

describe('a target', () => {
  const isMet = (over: Partial<Measurement>) => rowOf(measurement(over)).target?.met;

  it('is met at its bound and missed beyond it', () => {
    assert.equal(isMet({ target: { of: 'p50', is: 'at most', bound: 10 } }), true);
    assert.equal(isMet({ target: { of: 'max', is: 'at most', bound: 10 } }), false);
    assert.equal(isMet({ target: { of: 'p50', is: 'at least', bound: 10.5 } }), false);
  });

  it('may be on the ratio to what stands beside', () => {
    const beside = { name: 'bare', samples: [10, 20, 10] };
    assert.equal(isMet({ beside, target: { of: 'ratio', is: 'at least', bound: 0.9 } }), true);
    assert.equal(isMet({ beside, target: { of: 'ratio', is: 'at least', bound: 0.95 } }), false);
  });

  it('that was missed is told in the table and on the page, with the reason if it is known', () => {
    const report = reportOf(measurement({ target: { of: 'p50', is: 'at most', bound: 5 } }), measurement());
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
});

describe('a baseline', () => {
  it('is compared figure by figure; what only one run has is left out', () => {
    const before = reportOf(measurement({ samples: [20, 20, 20] }), measurement({ name: 'gone' }));
    const now = reportOf(measurement(), measurement({ name: 'new' }));
    const rows = besideBaseline(now, before);
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
