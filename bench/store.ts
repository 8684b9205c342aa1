import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import type { JobRecord } from '../src/job/record.js';
import { migrate, UNSETTLED } from '../src/store/sqlite-schema.js';
import type { NewJob, Store } from '../src/store/store.js';
import type { Context, Measurement, Scenario } from './scenario.js';
import { addQueuedJobs, openStore, queuedJob } from './support/filled-store.js';
import { interleave, timed } from './support/rounds.js';

export const store: Scenario = {
  name: 'store',
  title: 'How fast the store commits and loads',
  describe:
    'Durable transitions a second, one after the other and 100 at once, through the store’s own thread, and the time to load 100,000 queued jobs; beside the same SQLite without a store: the same tables, rows and durability, one thread, no messages, no checks.',
  whyNotReached:
    'a lone commit wakes the thread of the store, and its answer wakes the main thread: bare SQLite sleeps for the disk alone.',
  whatProfileLedTo:
    'records cross to the store’s thread as text, what is asked in one turn crosses at once, and a long queue is loaded page by page while it is read.',
  ownRepository: true,
  async run(context) {
    await mkdir(context.directory, { recursive: true });
    const { measurements } = context;
    measurements.push(...(await commits(context)));
    measurements.push(await load(context));
    return {
      measurements,
      notes: [
        'Bare SQLite commits 100 at once in one transaction that it is told of beforehand; the store finds its batches by itself.',
      ],
    };
  },
};

const AT_ONCE = 100;

async function commits(context: Context): Promise<Measurement[]> {
  const ours = await openStore(join(context.directory, 'ours.sqlite'));
  context.atEnd(() => ours.close());
  const bare = openBare(join(context.directory, 'bare.sqlite'));
  context.atEnd(() => bare.close());
  const jobs = Array.from({ length: AT_ONCE }, (_, index) => queuedJob('/repository', index + 1));
  await ours.create(jobs);
  bare.create(jobs);
  const [alone, together] = context.quick ? [20, 2] : [500, 50];
  const records = jobs.map(({ record }) => record);
  const rates = await interleave(context, {
    ours: async () => (alone * 1_000) / (await timed(() => saveAlone(ours, records, alone))),
    bare: async () => (alone * 1_000) / (await timed(async () => bare.saveAlone(records, alone))),
    oursTogether: async () =>
      (together * AT_ONCE * 1_000) / (await timed(() => saveTogether(ours, records, together))),
    bareTogether: async () =>
      (together * AT_ONCE * 1_000) / (await timed(async () => bare.saveTogether(records, together))),
  });
  const besideBare = (name: string, samples: number[], beside: number[]): Measurement => ({
    name,
    unit: '/s',
    better: 'higher',
    samples,
    beside: { name: 'bare SQLite', samples: beside },
    targets: [{ of: 'ratio', is: 'at least', bound: 0.7 }],
  });
  return [
    besideBare('commits, one after the other', rates.ours, rates.bare),
    besideBare(`commits, ${AT_ONCE} at once`, rates.oursTogether, rates.bareTogether),
  ];
}

const entryFor = (record: JobRecord) => ({
  at: Date.now(),
  state: record.state,
  event: 'job.bench',
  reason: null,
});

async function saveAlone(ours: Store, records: readonly JobRecord[], count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const record = records[index % records.length] as JobRecord;
    await ours.save(record, entryFor(record));
  }
}

async function saveTogether(ours: Store, records: readonly JobRecord[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1)
    await Promise.all(records.map((record) => ours.save(record, entryFor(record))));
}

/** SQLite with the store's durability, tables and statements, and nothing of a store. */
function openBare(path: string) {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  migrate(database);
  const columns = 'sequence, id, state, repository, record';
  const insert = database.prepare(`INSERT INTO job (${columns}) VALUES (?, ?, ?, ?, ?)`);
  const update = database.prepare(
    `UPDATE job SET state = ?, expires_at = ?, record = ? WHERE id = ? AND ${UNSETTLED}`,
  );
  const note = database.prepare('INSERT INTO journal (job, entry) VALUES (?, ?)');
  const all = database.prepare(`SELECT record FROM job WHERE ${UNSETTLED} ORDER BY sequence`);

  const inOneCommit = (work: () => void) => {
    database.exec('BEGIN IMMEDIATE');
    work();
    database.exec('COMMIT');
  };
  const save = (record: JobRecord) => {
    update.run(record.state, record.expiresAt, JSON.stringify(record), record.id);
    note.run(record.sequence, JSON.stringify(entryFor(record)));
  };
  return {
    create: (jobs: readonly NewJob[]) =>
      inOneCommit(() => {
        for (const { record } of jobs) {
          const { sequence, id, state, submission } = record;
          insert.run(sequence, id, state, submission.repository, JSON.stringify(record));
        }
      }),
    saveAlone(records: readonly JobRecord[], count: number) {
      for (let index = 0; index < count; index += 1)
        inOneCommit(() => save(records[index % records.length] as JobRecord));
    },
    saveTogether(records: readonly JobRecord[], rounds: number) {
      for (let round = 0; round < rounds; round += 1)
        inOneCommit(() => {
          for (const record of records) save(record);
        });
    },
    load: (): JobRecord[] => all.all().map(({ record }: { record: string }) => JSON.parse(record)),
    close: () => database.close(),
  };
}

async function load(context: Context): Promise<Measurement> {
  const rows = context.quick ? 500 : 100_000;
  context.tell(`${rows} rows`);
  const ours = await openStore(join(context.directory, 'load.sqlite'));
  context.atEnd(() => ours.close());
  await addQueuedJobs(ours, '/repository', rows);
  const bare = openBare(join(context.directory, 'load-bare.sqlite'));
  context.atEnd(() => bare.close());
  bare.create(Array.from({ length: rows }, (_, index) => queuedJob('/repository', index + 1)));
  const rates = await interleave(
    { ...context, runs: Math.min(context.runs, 3) },
    {
      ours: async () => (rows * 1_000) / (await timed(() => ours.unsettled())),
      bare: async () => (rows * 1_000) / (await timed(async () => bare.load())),
    },
  );
  return {
    name: `load of ${rows} queued jobs, rows`,
    unit: '/s',
    better: 'higher',
    samples: rates.ours,
    beside: { name: 'bare SQLite', samples: rates.bare },
    targets: [{ of: 'ratio', is: 'at least', bound: 0.7 }],
  };
}
