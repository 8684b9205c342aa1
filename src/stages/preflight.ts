import type { Readiness } from '../agents/agent.js';
import { backendOf } from '../agents/backends.js';
import type { Settings } from '../config.js';
import type { Outcome } from '../errors.js';
import type { StageChannel } from './channel.js';

/** Looks whether a job could run on this machine now; nothing is spent. */
export async function preflight(
  _input: Record<never, never>,
  settings: Settings,
  channel: StageChannel,
): Promise<Outcome<Readiness>> {
  const backend = await backendOf(settings.backend);
  return backend.preflight(settings, channel.stop);
}
