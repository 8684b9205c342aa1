import type { Sample } from '../../inspect/frames.js';
import { count } from '../format.js';
import { now } from '../swarm.js';

const WIDTH = 600;
const HEIGHT = 64;
const MINUTE = 60_000;
const MOST_MINUTES = 10;

/** Queue depth and jobs in work over the last minutes: as many as there are samples for. */
export function HistoryPlot({ samples }: { samples: readonly Sample[] }) {
  const end = now();
  const oldest = samples[0]?.at ?? end;
  const minutes = Math.min(MOST_MINUTES, Math.max(1, Math.ceil((end - oldest) / MINUTE)));
  const span = minutes * MINUTE;
  const seen = samples.filter(({ at }, index) => (samples[index + 1]?.at ?? end) > end - span && at <= end);
  const most = Math.max(1, ...seen.flatMap(({ queued, working }) => [queued, working]));
  const x = (at: number) => Math.max(0, WIDTH - ((end - at) / span) * WIDTH);
  const y = (value: number) => HEIGHT - 2 - (value / most) * (HEIGHT - 12);
  /** A sample holds until the next one. */
  const steps = (of: (sample: Sample) => number) =>
    seen.map((sample, index) => {
      const until = seen[index + 1]?.at ?? end;
      return `L${x(sample.at).toFixed(1)},${y(of(sample)).toFixed(1)} L${x(until).toFixed(1)},${y(of(sample)).toFixed(1)}`;
    });
  const line = (of: (sample: Sample) => number) => steps(of).join(' ').replace(/^L/, 'M');
  const first = seen[0];
  const area =
    first === undefined
      ? ''
      : `${line(({ queued }) => queued)} L${WIDTH},${HEIGHT} L${x(first.at)},${HEIGHT} z`;
  return (
    <figure class="plot">
      <figcaption>
        {minutes === 1 ? 'Last minute' : `Last ${minutes} minutes`}: <span class="key queued">queued</span>{' '}
        <span class="key running">in work</span>
        <span class="most">at most {count(most)}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Queue depth and jobs in work over the last minutes, at most ${most}`}
      >
        <line x1={0} x2={WIDTH} y1={HEIGHT - 1} y2={HEIGHT - 1} class="base" />
        <path class="queued" d={area} />
        <path class="running" d={line(({ working }) => working)} />
      </svg>
    </figure>
  );
}

/** Jobs that ended in a minute, over the last minutes. */
export function endedPerMinute(samples: readonly Sample[], minutes = 5): number {
  const since = now() - minutes * 60_000;
  const ended = samples
    .filter(({ at }) => at > since)
    .reduce((sum, { done, notDone }) => sum + done + notDone, 0);
  return ended / minutes;
}
