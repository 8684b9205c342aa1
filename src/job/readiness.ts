import type { Readiness } from '../agents/agent.js';
import { type Outcome, refuse } from '../errors.js';
import type { StagePool } from '../pool/pool.js';
import { shareLook } from './shared-look.js';

/** How long a good preflight holds; a refusal is looked at again soon, for somebody may have mended it. */
const GOOD_MS = 60_000;
const REFUSED_MS = 2_000;

/** Answers the last preflight while it is fresh, else makes one. */
export function createReadiness(pool: StagePool, now: () => number): () => Promise<Outcome<Readiness>> {
  const look = () =>
    pool
      .run('preflight', {})
      .catch((problem: unknown) =>
        refuse('internal_error', { message: `The preflight broke: ${String(problem)}` }),
      );
  return shareLook(look, ({ ok }) => (ok ? GOOD_MS : REFUSED_MS), now);
}
