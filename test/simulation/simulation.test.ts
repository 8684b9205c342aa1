import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mutants } from './mutants.js';
import { simulate } from './world.js';

const JOBS = 500;
const WORLDS = 10;
/** Worlds that once broke a promise, or could not go on. */
const FOUND = [
  // Jobs resumed after a crash did not count against the limit of their repository.
  1,
  // A daemon that closed while its disk failed rejected a cancel, and the client took no notice.
  411_143_391,
];

async function firstBroken(seed: number, worlds: number, mutant = {}): Promise<string | null> {
  for (let world = seed; world < seed + worlds; world += 1) {
    const { broken } = await simulate(world, JOBS, mutant);
    if (broken !== null) return `${broken}; again: run.js --jobs ${JOBS} --seed ${world}`;
  }
  return null;
}

describe('the simulation', () => {
  it('finds no broken promise in worlds of random faults', async (context) => {
    const seed = Date.now() % 1_000_000_000;
    context.diagnostic(`seed ${seed}`);
    assert.equal(await firstBroken(seed, WORLDS), null);
  });

  for (const seed of FOUND) {
    it(`finds none in world ${seed}, which once had one`, async () => {
      assert.equal((await simulate(seed, JOBS)).broken, null);
    });
  }

  it('lets the same come about for the same seed, and other things for another', async () => {
    const [one, same, other] = [await simulate(7, 100), await simulate(7, 100), await simulate(8, 100)];
    assert.equal(one.hash, same.hash);
    assert.deepEqual(one.figures, same.figures);
    assert.notEqual(one.hash, other.hash);
  });

  for (const [what, mutant] of Object.entries(mutants)) {
    it(`finds a daemon that ${what}`, async () => {
      assert.notEqual(await firstBroken(5, 20, mutant), null);
    });
  }
});
