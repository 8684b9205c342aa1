import { constants } from 'node:os';
import type { AgentExit } from './agent.js';

/** How an agent was killed, in words; null when it ended by itself. A status above 128 tells the signal. */
export function killedBy(exit: AgentExit): string | null {
  const { status } = exit;
  if (status === null) return 'vanished without an exit status';
  if (status <= 128) return null;
  const name = Object.entries(constants.signals).find(([, number]) => number === status - 128)?.[0];
  return name === undefined ? null : `was ended by ${name}`;
}
