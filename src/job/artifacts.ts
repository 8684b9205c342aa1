import { rm } from 'node:fs/promises';
import { jobLayout } from './layout.js';

/** Deletes all files of a job that has settled. */
export async function removeArtifacts(stateDir: string, jobId: string): Promise<void> {
  await rm(jobLayout(stateDir, jobId).directory, { recursive: true, force: true, maxRetries: 3 });
}
