import { attemptLayout } from '../../src/job/layout.js';
import { readAgentProcess } from '../../src/stages/agent-process.js';

/** The directory of the host that an attempt of a job runs or ran on; null for a process of its own. */
export async function hostOf(stateDir: string, jobId: string, attempt = 1): Promise<string | null> {
  const agent = await readAgentProcess(attemptLayout(stateDir, jobId, attempt).process);
  if (agent === null) throw new Error('That attempt was never started.');
  return agent.place?.host ?? null;
}
