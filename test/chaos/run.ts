import { parseArgs } from 'node:util';
import { runChaos } from './chaos.js';
import { runDisk } from './disk.js';

/**
 * `npm run chaos -- --minutes 5 --seed 1`: tells what was injected, what came of it, and what did not hold.
 * `npm run chaos -- --jobs 1000`: tells what is left of so many jobs that came, broke, were cancelled and consumed.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    jobs: { type: 'string' },
  },
});
const print = (line: string) => process.stdout.write(`${line}\n`);

const printFigures = (figures: Record<string, number>) => {
  for (const [what, times] of Object.entries(figures).sort()) print(`${what.padEnd(42)}${times}`);
};

if (values.jobs === undefined) {
  print(`chaos for ${values.minutes} minutes, seed ${values.seed}`);
  const { figures, broken } = await runChaos(Number(values.seed), Number(values.minutes) * 60_000);
  printFigures(figures);
  for (const fault of broken) print(`broken: ${fault}`);
  printFigures({ 'broken promises': broken.length });
  process.exitCode = broken.length === 0 ? 0 : 1;
} else {
  print(`${values.jobs} jobs come and go`);
  const { figures, pool, left } = await runDisk(Number(values.jobs));
  printFigures(figures);
  for (const path of left) print(`left: ${path}`);
  printFigures({ 'files and directories of the pool': pool.length, 'left of jobs': left.length });
  process.exitCode = left.length === 0 ? 0 : 1;
}
