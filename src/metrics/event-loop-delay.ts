import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';

const RESOLUTION_MS = 20;
const QUANTILES = [50, 99, 100];

/**
 * How late the daemon's main thread is, between two scrapes. Measuring wakes the process all the time, so it
 * begins with the first scrape.
 */
export function eventLoopDelay(registers: Registry[]): void {
  let histogram: IntervalHistogram | null = null;
  new Gauge({
    name: 'offshoot_event_loop_delay_seconds',
    help: 'Delay of the event loop since the scrape before, by quantile.',
    labelNames: ['quantile'],
    registers,
    collect() {
      for (const quantile of QUANTILES) {
        const nanoseconds = histogram === null || histogram.count === 0 ? 0 : histogram.percentile(quantile);
        this.set({ quantile: quantile / 100 }, nanoseconds / 1e9);
      }
      histogram?.reset();
      if (histogram !== null) return;
      histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      histogram.enable();
    },
  });
}
