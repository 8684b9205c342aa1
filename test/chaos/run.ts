import { parseArgs } from 'node:util';
import { runChaos } from './chaos.js';

/** `npm run chaos -- --minutes 5 --seed 1`: tells what was injected, what came of it, and what did not hold. */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const print = (line: string) => process.stdout.write(`${line}\n`);

print(`chaos for ${values.minutes} minutes, seed ${values.seed}`);
const { figures, broken } = await runChaos(Number(values.seed), Number(values.minutes) * 60_000);
for (const [what, times] of Object.entries(figures).sort()) print(`${what.padEnd(42)}${times}`);
for (const fault of broken) print(`broken: ${fault}`);
print(`broken promises${' '.repeat(27)}${broken.length}`);
process.exitCode = broken.length === 0 ? 0 : 1;
