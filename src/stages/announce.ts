import type { Settings } from '../config.js';
import type { AnnounceTask } from '../pool/messages.js';

const TIMEOUT_MS = 30_000;

/**
 * Tells the user's own command or URL that a job has ended: its id and state, label and group, and nothing of
 * the work. Answers why that failed, or null.
 */
export async function announce(
  task: AnnounceTask,
  { onSettled, environment }: Settings,
): Promise<string | null> {
  if (onSettled === null) return null;
  return /^https?:\/\//.test(onSettled) ? post(onSettled, task) : run(onSettled, task, environment);
}

async function post(url: string, task: AnnounceTask): Promise<string | null> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        job_id: task.jobId,
        status: task.state,
        label: task.label,
        group_id: task.groupId,
      }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.ok ? null : `It answered with status ${response.status}.`;
  } catch (problem) {
    return `It could not be reached: ${(problem as Error).message}.`;
  }
}

async function run(
  command: string,
  task: AnnounceTask,
  environment: Settings['environment'],
): Promise<string | null> {
  // Loaded by those who need it: a hundred files, for every thread of the pool.
  const { execa } = await import('execa');
  const result = await execa('/bin/sh', ['-c', command], {
    cwd: '/',
    env: {
      ...environment,
      OFFSHOOT_JOB_ID: task.jobId,
      OFFSHOOT_JOB_STATUS: task.state,
      OFFSHOOT_JOB_LABEL: task.label ?? '',
      OFFSHOOT_JOB_GROUP: task.groupId ?? '',
    },
    extendEnv: false,
    stdio: 'ignore',
    timeout: TIMEOUT_MS,
    reject: false,
  });
  return result.failed ? `It failed: ${result.shortMessage}.` : null;
}
