import type { StagePool } from '../pool/pool.js';

/**
 * The same pool, for looks that leave nothing unless they are cut off: `close` asks those under way to end, and waits
 * until they have removed what they made.
 */
export function poolForLooks(pool: StagePool): StagePool {
  const leaving = new AbortController();
  const underway = new Set<Promise<unknown>>();
  return {
    async run(stage, input, control) {
      const looking = pool.run(stage, input, { stop: leaving.signal, ...control });
      underway.add(looking);
      return looking.finally(() => underway.delete(looking));
    },
    async close() {
      leaving.abort();
      await Promise.allSettled(underway);
    },
  };
}
