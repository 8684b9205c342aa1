import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Figures } from './figures.js';
import type { WorldReport } from './world.js';

/**
 * `node dist/test/simulation/run.js --jobs 100000 --seed 1`: worlds of 500 jobs, each with a seed of its own,
 * counted up from the one given. A world that breaks a promise is told with its seed, and comes about again
 * with `--jobs 500 --seed THAT`.
 */
const JOBS_A_WORLD = 500;

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const worlds = Math.max(1, Math.ceil(Number(values.jobs) / JOBS_A_WORLD));
const firstSeed = Number(values.seed);
const startedAt = performance.now();

const figures = new Figures();
const broken: WorldReport[] = [];
let next = 0;

function take(report: WorldReport): void {
  figures.add(report.figures);
  if (report.broken !== null) broken.push(report);
}

/** Gives one thread a world after the other until none is left. */
function work(): Promise<void> {
  const thread = new Worker(new URL('./thread.js', import.meta.url));
  const give = () => {
    if (next === worlds) return void thread.terminate();
    thread.postMessage({ seed: firstSeed + next, jobs: JOBS_A_WORLD });
    next += 1;
  };
  return new Promise((resolve, reject) => {
    thread.on('message', (report: WorldReport) => {
      take(report);
      give();
    });
    thread.once('error', reject);
    thread.once('exit', () => resolve());
    give();
  });
}

await Promise.all(Array.from({ length: Math.min(worlds, availableParallelism()) }, work));

const print = (line: string) => process.stdout.write(`${line}\n`);
print(`seed ${firstSeed}, ${worlds} worlds, ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`);
for (const [what, times] of Object.entries(figures.counts).sort()) print(`${what.padEnd(42)}${times}`);
for (const { seed, broken: promise, trace } of broken) {
  print(`broken: ${promise}; again: --jobs ${JOBS_A_WORLD} --seed ${seed}`);
  for (const line of trace.slice(-20)) print(`  ${line}`);
}
print(`broken promises${' '.repeat(27)}${broken.length}`);
process.exitCode = broken.length === 0 ? 0 : 1;
