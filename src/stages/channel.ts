import type { MessagePort } from 'node:worker_threads';
import type { Progress } from '../../machines/job.js';
import type { ProgressMessage, StopMessage } from '../pool/messages.js';

/** A stage's side of the port to its job. */
export interface StageChannel {
  /** Aborted once the job is to end. */
  stop: AbortSignal;
  report(progress: Progress): void;
  close(): void;
}

export function openChannel(port: MessagePort): StageChannel {
  const stopping = new AbortController();
  port.on('message', (message: StopMessage) => {
    if (message.type === 'stop') stopping.abort();
  });
  return {
    stop: stopping.signal,
    report: (progress) => port.postMessage({ type: 'progress', progress } satisfies ProgressMessage),
    close: () => port.close(),
  };
}
