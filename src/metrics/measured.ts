import type { StagePool } from '../pool/pool.js';
import type { Store } from '../store/store.js';
import type { Metrics } from './metrics.js';

/** The same pool, counted. */
export const measuredPool = (pool: StagePool, metrics: Metrics): StagePool => ({
  ...pool,
  async run(stage, input, control) {
    const ended = metrics.stageBegan(stage);
    try {
      return await pool.run(stage, input, control);
    } finally {
      ended();
    }
  },
});

/** The same store, its writes timed. */
export const measuredStore = (store: Store, metrics: Metrics): Store => {
  const timed =
    <Parameters extends unknown[], Value>(write: (...parameters: Parameters) => Promise<Value>) =>
    async (...parameters: Parameters): Promise<Value> => {
      const started = performance.now();
      const value = await write(...parameters);
      metrics.committed((performance.now() - started) / 1_000);
      return value;
    };
  return { ...store, create: timed(store.create), save: timed(store.save) };
};
