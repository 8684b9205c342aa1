import type { Usage } from '../../machines/job.js';
import type { AgentReader } from '../agents/agent.js';

/**
 * A reader that tells the tokens of its own job: an agent that goes on in a thread reports the thread's total,
 * of which `before` were spent by the jobs before this one. Null where the thread is the job's own.
 */
export function readOwnUsage(reader: AgentReader, before: Usage | null): AgentReader {
  if (before === null) return reader;
  return {
    line: (line, at) => reader.line(line, at),
    mayBeSilent: () => reader.mayBeSilent(),
    turnHasEnded: () => reader.turnHasEnded(),
    lastMessage: () => reader.lastMessage(),
    progress() {
      const progress = reader.progress();
      return { ...progress, usage: ownUsage(progress.usage, before) };
    },
    conclude(exit) {
      const conclusion = reader.conclude(exit);
      return { ...conclusion, usage: ownUsage(conclusion.usage, before) };
    },
  };
}

/** What is left of a thread's total without what was spent before. */
export const ownUsage = (total: Usage | null, before: Usage | null): Usage | null =>
  total === null || before === null
    ? total
    : {
        inputTokens: Math.max(0, total.inputTokens - before.inputTokens),
        cachedInputTokens: Math.max(0, total.cachedInputTokens - before.cachedInputTokens),
        outputTokens: Math.max(0, total.outputTokens - before.outputTokens),
        reasoningOutputTokens: Math.max(0, total.reasoningOutputTokens - before.reasoningOutputTokens),
      };
