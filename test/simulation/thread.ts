import { parentPort } from 'node:worker_threads';
import { simulate } from './world.js';

/** Entry of a simulation thread: lets worlds run, one after the other. */
parentPort?.on('message', async ({ seed, jobs }: { seed: number; jobs: number }) => {
  parentPort?.postMessage(await simulate(seed, jobs));
});
