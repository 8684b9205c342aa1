import type { Readiness } from '../agents/agent.js';
import { type Outcome, refuse } from '../errors.js';
import type { StagePool } from '../pool/pool.js';

/** How long a good preflight holds; a refusal is looked at again soon, for somebody may have mended it. */
const GOOD_MS = 60_000;
const REFUSED_MS = 2_000;

/** Answers the last preflight while it is fresh, else makes one; calls at the same time share it. */
export function createReadiness(pool: StagePool, now: () => number): () => Promise<Outcome<Readiness>> {
  let current: Promise<Outcome<Readiness>> | undefined;
  let freshUntil = 0;

  const look = async (): Promise<Outcome<Readiness>> => {
    const found = await pool
      .run('preflight', {})
      .catch((problem: unknown) =>
        refuse('internal_error', { message: `The preflight broke: ${String(problem)}` }),
      );
    freshUntil = now() + (found.ok ? GOOD_MS : REFUSED_MS);
    return found;
  };

  return () => {
    if (current === undefined || now() >= freshUntil) {
      freshUntil = Number.POSITIVE_INFINITY;
      current = look();
    }
    return current;
  };
}
