import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runChaos } from './chaos.js';

describe('chaos', () => {
  it('breaks no promise in twenty seconds of misbehaving agents and kill -9', async (context) => {
    const seed = Date.now() % 1_000_000;
    const { figures, broken } = await runChaos(seed, 20_000);
    context.diagnostic(`seed ${seed}: ${JSON.stringify(figures)}`);
    assert.deepEqual(broken, []);
    // How many there are is a matter of the machine; none would show nothing.
    assert.ok((figures['jobs accepted'] ?? 0) > 0);
  });
});
