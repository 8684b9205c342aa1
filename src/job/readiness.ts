import type { Account, Readiness } from '../agents/agent.js';
import type { Outcome } from '../errors.js';
import type { StagePool } from '../pool/pool.js';
import { brokenLook } from './broken-look.js';
import { shareLook } from './shared-look.js';

/** How long a good look holds; a refusal is looked at again soon, for somebody may have mended it. */
const GOOD_MS = 60_000;
const REFUSED_MS = 2_000;

/** Answers the last preflight while it is fresh, else makes one. */
export const createReadiness = (pool: StagePool, now: () => number): (() => Promise<Outcome<Readiness>>) =>
  lookOf('preflight', () => pool.run('preflight', {}), now);

/** Answers what the account offered last while that is fresh, else asks. */
export const createAccountLook = (pool: StagePool, now: () => number): (() => Promise<Outcome<Account>>) =>
  lookOf('look at the account', () => pool.run('account', {}), now);

function lookOf<T>(
  what: string,
  look: () => Promise<Outcome<T>>,
  now: () => number,
): () => Promise<Outcome<T>> {
  const lookSafely = () => look().catch((problem: unknown) => brokenLook(what, problem));
  return shareLook<Outcome<T>>(lookSafely, ({ ok }) => (ok ? GOOD_MS : REFUSED_MS), now);
}
