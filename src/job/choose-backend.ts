import type { Backend } from '../config.js';
import type { Submission } from './record.js';

/**
 * What a job runs on that starts as the `running`-th of those at once: `auto` takes a process of its own for each
 * of a few, which no other can take along when it crashes, and a shared one from the `from`-th, for their memory.
 */
export function chooseBackend(asked: Submission['backend'], running: number, from: number): Backend {
  if (asked !== 'auto') return asked;
  return running < from ? 'codex-exec' : 'codex-app-server';
}
