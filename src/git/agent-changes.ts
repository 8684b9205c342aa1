import type { BytePath } from './byte-path.js';
import type { CallerEnvironment } from './environment.js';
import { baselineFilesOf, dropIgnored } from './ignore-rules.js';
import { layoutOf } from './slot.js';
import { type Survey, surveySlot } from './survey.js';

/**
 * Names of the files in which a checkout differs from what was put there. What the baseline ignores is not looked at:
 * directories that were kept warm lie there too. Call it when the agent's processes are dead. Empty also where that
 * cannot be found out. `baselineCommit` is what the checkout was made from.
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
  const untracked = await findUnignored(slotDirectory, survey, environment, signal);
  const putThere = new Set([...additions.included, ...additions.largeFiles.map(({ path }) => path)]);
  const different = [...changes.changed, ...changes.removed, ...untracked, ...walked.reappeared];
  return different.filter((path) => !putThere.has(path));
}

async function findUnignored(
  slotDirectory: string,
  survey: Survey,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<BytePath[]> {
  try {
    const { untracked } = survey.walked;
    const slot = layoutOf(slotDirectory);
    const kept = await dropIgnored(untracked, baselineFilesOf(survey), slot, environment, signal);
    return kept.ok ? kept.paths : [];
  } catch {
    return [];
  }
}
