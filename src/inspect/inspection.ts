import type { Settings } from '../config.js';
import type { Clock } from '../job/clock.js';
import type { Supervisor } from '../job/supervisor.js';
import { machineDefinition } from './definition.js';
import { createFeed, type Feed, MOST_JOBS } from './feed.js';
import type { Opening } from './frames.js';
import { createHistory, type History } from './history.js';

/** Everything that looks at the jobs without having a part in them. */
export interface Inspection {
  feed: Feed;
  history: History;
  definition: string;
  /** What a new viewer is told first. */
  opening(): Opening;
  close(): void;
}

export interface InspectionNeeds {
  supervisor: Supervisor;
  settings: Settings;
  clock: Clock;
  version: string;
}

export function createInspection({ supervisor, settings, clock, version }: InspectionNeeds): Inspection {
  const feed = createFeed(supervisor, clock);
  const history = createHistory(supervisor, clock);
  const definition = machineDefinition();
  const startedAt = clock.now();
  return {
    feed,
    history,
    definition,
    opening: () => ({
      kind: 'opening',
      at: clock.now(),
      version,
      startedAt,
      definition,
      limits: {
        running: settings.maxRunning,
        runningPerRepository: settings.maxRunningPerRepo,
        queued: settings.maxQueued,
      },
      mostJobs: MOST_JOBS,
      history: history.samples(),
    }),
    close() {
      feed.close();
      history.close();
    },
  };
}
