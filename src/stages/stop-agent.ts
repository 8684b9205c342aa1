import { type AgentProcess, askToStop, GRACE_SECONDS, kill } from './agent-process.js';

/** A supervisor that is only starting does not hear yet; asking it twice does no harm. */
const ASK_AGAIN_MS = 50;
/** A host hears from the start; being asked costs it a connection, by each of its jobs that stops. */
const ASK_HOST_AGAIN_MS = 1_000;
/** The supervisor keeps the grace itself; only one that is stuck or dead is overtaken. */
const OVERTAKE_MS = GRACE_SECONDS * 1_000 + 1_500;

export interface AgentStop {
  /** Asks the agent to end until it hears, and ends it for good when its grace is over. Called again it does nothing. */
  begin(): void;
  /** To be called once the agent is dead, or no longer followed. */
  release(): void;
}

export function agentStop(agent: AgentProcess, jobId: string): AgentStop {
  let overtake: NodeJS.Timeout | undefined;
  let askAgain: NodeJS.Timeout | undefined;
  return {
    begin() {
      if (overtake !== undefined) return;
      askToStop(agent);
      askAgain = setInterval(() => askToStop(agent), agent.place === null ? ASK_AGAIN_MS : ASK_HOST_AGAIN_MS);
      // Should its sweep fail, the one at the end comes yet.
      overtake = setTimeout(() => void kill(agent, jobId).catch(() => undefined), OVERTAKE_MS);
    },
    release() {
      clearTimeout(overtake);
      clearInterval(askAgain);
    },
  };
}
