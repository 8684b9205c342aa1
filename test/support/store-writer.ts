/**
 * A program that writes to the store at the path it is given. For each sequence that it reads on a line of its
 * standard input it creates a job and settles it, and says `kept N` and `settled N`, or `refused N`.
 */
import { createInterface } from 'node:readline';
import { openSqliteStore } from '../../src/store/sqlite.js';
import { entryOf, moved, newJob } from './store-jobs.js';

const opened = await openSqliteStore(process.argv[2] ?? '');
if (!opened.ok) throw new Error(opened.fault.message);
const { store } = opened.value;

// Pipes are written to synchronously, so what was said is out even if the process is killed next.
const say = (words: string) => process.stdout.write(`${words}\n`);

const write = async (sequence: number) => {
  const job = newJob(sequence, { key: `key ${sequence}`, task: 'x'.repeat(10_000) });
  await store.create([job]);
  say(`kept ${sequence}`);
  await store.save(moved(job.record, 'done'), entryOf('done'));
  say(`settled ${sequence}`);
};

const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  write(Number(line)).catch(() => say(`refused ${line}`));
});
input.on('close', () => store.close());
say('ready');
