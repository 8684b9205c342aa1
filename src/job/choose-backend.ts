import type { Backend } from '../config.js';
import type { Submission } from './record.js';

/**
 * What a job runs on that starts while `running` jobs run, itself among them: `auto` takes a process of its own for each
 * of a few, which no other can take along when it crashes, and from `from` on a shared one, for their memory.
 */
export function chooseBackend(asked: Submission['backend'], running: number, from: number): Backend {
  if (asked !== 'auto') return asked;
  return running < from ? 'codex-exec' : 'codex-app-server';
}
