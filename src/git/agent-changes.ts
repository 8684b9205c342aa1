import type { BytePath } from './byte-path.js';
import type { CallerEnvironment } from './environment.js';
import { surveySlot } from './survey.js';

/**
 * Names of the files in which a checkout differs from what was put there. Call it when the agent's processes are
 * dead. Empty also where that cannot be found out. `baselineCommit` is what the checkout was made from.
 */
export async function findAgentChanges(
  slotDirectory: string,
  baselineCommit: string,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<BytePath[]> {
  const survey = await surveySlot(slotDirectory, baselineCommit, environment, signal);
  if (survey === undefined) return [];
  const { additions, changes, walked } = survey;
  const putThere = new Set([...additions.included, ...additions.largeFiles.map(({ path }) => path)]);
  const different = [...changes.changed, ...changes.removed, ...walked.untracked, ...walked.reappeared];
  return different.filter((path) => !putThere.has(path));
}
