import type { Account } from '../agents/agent.js';
import { backendOf } from '../agents/backends.js';
import type { Settings } from '../config.js';
import type { Outcome } from '../errors.js';
import type { StageChannel } from './channel.js';

/** Asks the backend what the user's account offers; nothing is spent. */
export async function account(
  _input: Record<never, never>,
  settings: Settings,
  channel: StageChannel,
): Promise<Outcome<Account>> {
  const backend = backendOf(settings.backend);
  return backend.account(settings, channel.stop);
}
