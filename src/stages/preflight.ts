import type { Readiness } from '../agents/agent.js';
import { backendOf } from '../agents/backends.js';
import type { Settings } from '../config.js';
import { type Outcome, succeed } from '../errors.js';
import { findMountWay, NO_OVERLAY } from '../git/overlay.js';
import { stateLayout } from '../job/layout.js';
import type { StageChannel } from './channel.js';

/** Looks whether a job could run on this machine now; nothing is spent. */
export async function preflight(
  _input: Record<never, never>,
  settings: Settings,
  channel: StageChannel,
): Promise<Outcome<Readiness>> {
  const backend = backendOf(settings.backend);
  const readiness = await backend.preflight(settings, channel.stop);
  if (!readiness.ok || !settings.overlay) return readiness;
  const way = await findMountWay(stateLayout(settings.stateDir).repositories);
  const notes = way === null ? [...readiness.value.notes, NO_OVERLAY] : readiness.value.notes;
  return succeed({ ...readiness.value, notes });
}
