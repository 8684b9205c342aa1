import { backendOf } from '../agents/backends.js';
import type { Settings } from '../config.js';
import { errorTable } from '../errors.js';
import { type Finding, problem, warning, well } from './finding.js';

const PREFLIGHT_MS = 30_000;

/** Whether the agent of these settings could do a job: the checks that a delegation does before it is accepted. */
export async function lookAtAgent(settings: Settings): Promise<Finding[]> {
  const backend = backendOf(settings.backend);
  const ready = await backend.preflight(settings, AbortSignal.timeout(PREFLIGHT_MS));
  const name = `agent (${settings.backend})`;
  if (!ready.ok) return [problem(name, ready.fault.message, errorTable[ready.fault.code].advice)];
  const { program, version, notes } = ready.value;
  return [
    well(name, version === null ? program : `${version}, ${program}`),
    ...notes.map((note) => warning('note', note, 'Nothing need be done if this is meant.')),
  ];
}
