import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A thread cannot be killed from outside. So the daemon is started with a module, by `NODE_OPTIONS`, that ends each
 * of its threads, as a crash does, once the test has said so; threads that start later live.
 */
export interface ThreadCrash {
  environment: Record<string, string>;
  /** Ends the threads of the pool, or that of the store. */
  crash(threads: 'pool' | 'store'): Promise<void>;
  /** How many threads of the pool have started so far. */
  started(): Promise<number>;
}

export async function makeThreadCrash(root: string): Promise<ThreadCrash> {
  const module = join(root, 'crash.cjs');
  await writeFile(
    module,
    `const { isMainThread, workerData } = require('node:worker_threads');
const { appendFileSync, statSync } = require('node:fs');
const started = Date.now();
const order = ${JSON.stringify(root)} + (workerData?.path === undefined ? '/crash-pool' : '/crash-store');
const look = () => {
  const found = statSync(order, { throwIfNoEntry: false });
  if (found !== undefined && found.mtimeMs > started) process.exit(1);
};
if (!isMainThread) {
  setInterval(look, 10).unref();
  if (order.endsWith('pool')) appendFileSync(${JSON.stringify(join(root, 'started'))}, '.');
}
`,
  );
  return {
    environment: { NODE_OPTIONS: `--require=${module}` },
    started: async () => (await readFile(join(root, 'started'), 'utf8')).length,
    crash: (threads) => writeFile(join(root, `crash-${threads}`), ''),
  };
}
