import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { type Progress, ThreadLost } from '../../machines/job.js';
import type { Settings } from '../config.js';
import { threadOptions } from '../thread-options.js';
import type {
  AnswerMessage,
  ProgressMessage,
  StageAnswer,
  StageCall,
  StageName,
  Stages,
  StopMessage,
} from './messages.js';

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

/** How long a thread stays without a call. */
const IDLE_MS = 10 * 60_000;
/** Room for stages that only wait, beside the agents that run at once. */
const SPARE_TASKS = 32;

/** Starts the first thread. `troubled` is told of what befell a thread, or Piscina, outside of any call. */
export function createPool(settings: Settings, troubled: (problem: unknown) => void): StagePool {
  const threads = Math.min(4, Math.max(2, availableParallelism()));
  const piscina = new Piscina({
    filename: new URL('./thread.js', import.meta.url).href,
    workerData: settings,
    ...threadOptions(),
    minThreads: 1,
    maxThreads: threads,
    idleTimeout: IDLE_MS,
    // Admission holds the line, so Piscina's own queue stays empty.
    concurrentTasksPerWorker: Math.ceil(settings.maxRunning / threads) + SPARE_TASKS,
    // With atomics, a thread whose last task returned would freeze the I/O of what it left behind.
    atomics: 'disabled',
    recordTiming: false,
  });
  // The first thread is there. To keep one, Piscina would start it in the handler of the exit of another, where an
  // exception, when the machine has none, is caught by nobody.
  piscina.options.minThreads = 0;
  piscina.on('error', troubled);
  piscina.on('workerDestroy', () => lookLater(piscina, REPLACE_MS));

  return {
    async run(stage, input, control = {}) {
      const { port1: near, port2: far } = new MessageChannel();
      const sendStop = () => near.postMessage({ type: 'stop' } satisfies StopMessage);
      control.stop?.addEventListener('abort', sendStop, { once: true });
      if (control.stop?.aborted) sendStop();
      try {
        return outputOf(stage, await ask(piscina, { stage, input, port: far }, near, control.onProgress));
      } finally {
        control.stop?.removeEventListener('abort', sendStop);
        near.removeAllListeners();
        near.close();
      }
    },
    close: () => piscina.destroy(),
  };
}

/** Between the death of a thread and the look whether calls wait for another; Piscina has told of it before. */
const REPLACE_MS = 100;
/** Until another thread is tried when the machine has no process or no memory for one. */
const START_AGAIN_MS = 5_000;

/**
 * The answer comes over the call's own port, which closes with its thread: where Piscina cannot start another
 * thread, it loses the calls of the one that died, and the promise of one that is new.
 */
function ask<Name extends StageName>(
  piscina: Piscina,
  call: StageCall<Name>,
  near: MessagePort,
  onProgress: (progress: Progress) => void = () => undefined,
): Promise<StageAnswer<Name>> {
  return new Promise((resolve, reject) => {
    const lose = (cause?: unknown) => reject(new ThreadLost('The thread of a stage died.', { cause }));
    near.on('message', (message: ProgressMessage | AnswerMessage<Name>) => {
      if (message.type === 'progress') onProgress(message.progress);
      else resolve(message.answer);
    });
    // A little later, because Piscina knows why.
    near.once('close', () => setTimeout(lose, REPLACE_MS));
    give(piscina, call, [call.port]).catch(lose);
  });
}

/** Gives a call to a thread, now or when there is one. Rejects when that dies. */
async function give(piscina: Piscina, call: StageCall | null, ports: MessagePort[]): Promise<void> {
  try {
    await piscina.run(call, { transferList: ports });
  } catch (problem) {
    if ((problem as NodeJS.ErrnoException).code !== 'ERR_WORKER_INIT_FAILED') throw problem;
    // No thread could be started. The call stays in Piscina's line.
    lookLater(piscina, START_AGAIN_MS);
  }
}

/**
 * Piscina starts no other thread in place of one that died as it started, or could not be: what waits for it would
 * wait for ever. A new call has it start one, so an empty one is made.
 */
function lookLater(piscina: Piscina, milliseconds: number): void {
  const look = () => {
    if (piscina.queueSize > 0) give(piscina, null, []).catch(() => undefined);
  };
  setTimeout(look, milliseconds).unref();
}

function outputOf<Name extends StageName>(stage: Name, answer: StageAnswer<Name>): Stages[Name]['output'] {
  if (answer.kind === 'broken') throw new Error(`The ${stage} stage broke: ${answer.message}`);
  return answer.output;
}
