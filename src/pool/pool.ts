import { availableParallelism } from 'node:os';
import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { type Progress, ThreadLost } from '../../machines/job.js';
import type { Settings } from '../config.js';
import type { ProgressMessage, StageAnswer, StageCall, StageName, Stages, StopMessage } from './messages.js';

/** Does the stages' work, away from the thread that holds the machines. */
export interface StagePool {
  /**
   * Runs one stage. Aborting `stop` asks the stage to end early; it still answers, in its own time.
   * Rejects with `ThreadLost` when its thread died: the work may go on outside, so call again.
   */
  run<Name extends StageName>(
    stage: Name,
    input: Stages[Name]['input'],
    control?: { stop?: AbortSignal; onProgress?: (progress: Progress) => void },
  ): Promise<Stages[Name]['output']>;
  /** Ends the threads. Agents that run go on by themselves. */
  close(): Promise<void>;
}

/** Room for stages that only wait, beside the agents that run at once. */
const SPARE_TASKS = 32;

export function createPool(settings: Settings): StagePool {
  const threads = Math.min(4, Math.max(2, availableParallelism()));
  const piscina = new Piscina({
    filename: new URL('./thread.js', import.meta.url).href,
    workerData: settings,
    minThreads: 1,
    maxThreads: threads,
    idleTimeout: 60_000,
    // Admission holds the line, so Piscina's own queue stays empty.
    concurrentTasksPerWorker: Math.ceil(settings.maxRunning / threads) + SPARE_TASKS,
    // With atomics, a thread whose last task returned would freeze the I/O of what it left behind.
    atomics: 'disabled',
  });
  replaceStillborn(piscina);

  return {
    async run(stage, input, control = {}) {
      const { port1: near, port2: far } = new MessageChannel();
      const sendStop = () => near.postMessage({ type: 'stop' } satisfies StopMessage);
      near.on('message', (message: ProgressMessage) => control.onProgress?.(message.progress));
      control.stop?.addEventListener('abort', sendStop, { once: true });
      if (control.stop?.aborted) sendStop();
      try {
        return outputOf(stage, await call(piscina, { stage, input, port: far }));
      } finally {
        control.stop?.removeEventListener('abort', sendStop);
        near.close();
      }
    },
    close: () => piscina.destroy(),
  };
}

/** Between the death of a thread and the look whether calls wait for another. */
const REPLACE_MS = 100;

/**
 * Piscina starts no other thread in place of one that died as it started: what waits for it would wait for ever.
 * A new call has it start one, so such a call is made, and taken back before a thread gets it.
 */
function replaceStillborn(piscina: Piscina): void {
  piscina.on('workerDestroy', () => {
    const look = setTimeout(() => {
      if (piscina.queueSize === 0) return;
      const call = new AbortController();
      piscina.run(null, { signal: call.signal }).catch(() => undefined);
      call.abort();
    }, REPLACE_MS);
    look.unref();
  });
}

async function call<Name extends StageName>(
  piscina: Piscina,
  stageCall: StageCall<Name>,
): Promise<StageAnswer<Name>> {
  try {
    return await piscina.run(stageCall, { transferList: [stageCall.port] });
  } catch (error) {
    throw new ThreadLost('The thread of a stage died.', { cause: error });
  }
}

function outputOf<Name extends StageName>(stage: Name, answer: StageAnswer<Name>): Stages[Name]['output'] {
  if (answer.kind === 'broken') throw new Error(`The ${stage} stage broke: ${answer.message}`);
  return answer.output;
}
