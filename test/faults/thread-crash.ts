import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A thread cannot be killed from outside. So the daemon is started with a module, by `NODE_OPTIONS`, that ends each
 * of its threads, as a crash does, once the test has said so; threads that start later live.
 */
export interface ThreadCrash {
  environment: Record<string, string>;
  /** Ends the threads of the pool, or that of the store. */
  crash(threads: 'pool' | 'store'): Promise<void>;
  /** Has as many threads of the pool, of those that start next, end before they can be given anything. */
  stillborn(count: number): Promise<void>;
  /** How many of those have yet to start. */
  unborn(): Promise<number>;
  /** Has the system refuse new threads, as it does where there is no process left, or give them again. */
  refuse(refusing: boolean): Promise<void>;
  /** How many it has refused so far. */
  refused(): Promise<number>;
  /** How many threads of the pool have followed an agent so far. */
  followed(): Promise<number>;
}

export async function makeThreadCrash(root: string): Promise<ThreadCrash> {
  const module = join(root, 'crash.cjs');
  // An order is one more byte: a file's time is too coarse to say whether it came before a thread or after.
  const orders = { pool: join(root, 'crash-pool'), store: join(root, 'crash-store') };
  const [followed, unborn] = [join(root, 'followed'), join(root, 'unborn')];
  const [refusing, refused] = [join(root, 'refusing'), join(root, 'refused')];
  for (const file of [...Object.values(orders), followed, refused]) await writeFile(file, '');
  await mkdir(unborn);
  await writeFile(
    module,
    `const threads = require('node:worker_threads');
const { isMainThread, workerData, Worker } = threads;
const { syncBuiltinESMExports } = require('node:module');
const fs = require('node:fs');
const { appendFileSync, existsSync, readdirSync, statSync, unlinkSync } = fs;
const isStore = workerData?.path !== undefined;
const orders = isStore ? ${JSON.stringify(orders.store)} : ${JSON.stringify(orders.pool)};
const given = () => statSync(orders, { throwIfNoEntry: false })?.size ?? 0;
// Of several threads that start at once, one can remove a file.
const takes = (name) => {
  try {
    unlinkSync(${JSON.stringify(`${unborn}/`)} + name);
    return true;
  } catch {
    return false;
  }
};
if (!isMainThread) {
  const before = given();
  const look = () => given() > before && process.exit(1);
  if (!isStore && readdirSync(${JSON.stringify(unborn)}).some(takes)) process.exit(1);
  setInterval(look, 10).unref();
  // A thread that follows an agent watches its files, or tries to.
  const { watch } = fs;
  fs.watch = (...words) => {
    look();
    appendFileSync(${JSON.stringify(followed)}, '.');
    return watch(...words);
  };
  syncBuiltinESMExports();
} else {
  threads.Worker = class extends Worker {
    constructor(...words) {
      if (existsSync(${JSON.stringify(refusing)})) {
        appendFileSync(${JSON.stringify(refused)}, '.');
        throw Object.assign(new Error('EAGAIN'), { code: 'ERR_WORKER_INIT_FAILED' });
      }
      super(...words);
    }
  };
}
`,
  );
  return {
    environment: { NODE_OPTIONS: `--require=${module}` },
    crash: (threads) => appendFile(orders[threads], '.'),
    async stillborn(count) {
      for (let number = 1; number <= count; number += 1) await writeFile(join(unborn, String(number)), '');
    },
    unborn: async () => (await readdir(unborn)).length,
    refuse: (refuse) => (refuse ? writeFile(refusing, '') : rm(refusing)),
    refused: async () => (await readFile(refused)).length,
    followed: async () => (await readFile(followed)).length,
  };
}
