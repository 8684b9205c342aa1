import { join } from 'node:path';
import { type Outcome, refuse, succeed } from '../errors.js';
import { type CallerConfiguration, readCallerConfiguration } from './caller-configuration.js';
import { type CallerEnvironment, probeEnvironment } from './environment.js';
import { explain } from './explain.js';
import { type GitContext, runGit } from './git.js';
import { type Head, knownHead, remember } from './known-head.js';
import { promptLook } from './look.js';
import { findRepository, type Repository } from './repository.js';

/** What git itself says of the caller's repository. */
export interface Caller extends Head {
  /** Until then, by `performance.now()`, it is worth waiting for the caller's own git to be done. */
  restsBy: number;
  repository: Repository;
  /** Commit that the base ref names; HEAD's when there is none. */
  baseCommit: string;
  configuration: CallerConfiguration;
}

/** A caller who drops the commit that is being worked with, or switches branches, has moved on to another. */
const MAX_ATTEMPTS = 10;
/** A git that died leaves its lock for ever; one that is at work takes longer only in a very large repository. */
export const PATIENCE_MS = 5_000;
/** Who commits without a pause is not waited for. */
const PATIENT_ATTEMPTS = 3;
const READING = 'reading the repository';
const GONE = 'The repository was removed or moved meanwhile.';
const MOVED = 'HEAD of the repository moved on while the baseline was taken.';

/**
 * Asks git about the repository for a use of it, and again where that fails and HEAD has moved on meanwhile. A use that
 * answers null saw it move, wherever it is by now. Refuses with the codes of `findRepository` where that is gone.
 */
export async function withCaller<Value>(
  repository: Repository,
  {
    baseRef,
    environment,
    signal,
  }: { baseRef: string | null; environment: CallerEnvironment; signal: AbortSignal },
  use: (caller: Caller) => Promise<Outcome<Value> | null>,
): Promise<Outcome<Value>> {
  const ask = () => askCaller(repository, baseRef, environment, signal);
  const patience = performance.now() + PATIENCE_MS;
  let asked = await ask();
  for (let attempt = 1; asked.ok; attempt += 1) {
    const used = await use({ ...asked.value, restsBy: attempt < PATIENT_ATTEMPTS ? patience : 0 });
    if (used?.ok || attempt === MAX_ATTEMPTS || signal.aborted)
      return used ?? refuse('worktree_failed', { message: MOVED });
    const { headCommit } = asked.value;
    asked = await ask();
    if (used !== null && asked.ok && asked.value.headCommit === headCommit) return used;
  }
  return asked.fault.code === 'worktree_failed' ? whyNotRead(repository, asked) : asked;
}

/** Of a repository that is gone by now, git, and the shell that starts it, tell no more than what they met. */
async function whyNotRead(
  { root, subdirectory }: Repository,
  refused: Outcome<never>,
): Promise<Outcome<never>> {
  const found = await findRepository(join(root, subdirectory), promptLook);
  return found.ok ? refused : refuse(found.fault.code, { message: GONE });
}

/**
 * Asks git about the repository. The only commands that see the repository's own configuration; neither
 * reads the index or a file's content, so none of its helpers is started.
 */
async function askCaller(
  repository: Repository,
  baseRef: string | null,
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<Outcome<Omit<Caller, 'restsBy'>>> {
  const context = { directory: repository.root, environment: probeEnvironment(environment), signal };
  const listing = await runGit(context, ['config', '--list', '--show-scope', '-z']);
  if (!listing.ok) return explain(listing, 'worktree_failed', READING);
  const known = await knownHead(repository, listing.stdout);
  const head = known === null ? await askForHead(repository, context) : succeed(known);
  if (!head.ok) return head;
  remember(repository, listing.stdout, head.value);
  const base = baseRef === null ? succeed(head.value.headCommit) : await resolveRef(context, baseRef);
  if (!base.ok) return base;
  const configuration = readCallerConfiguration(listing.stdout);
  return succeed({ repository, ...head.value, baseCommit: base.value, configuration });
}

async function askForHead(repository: Repository, context: GitContext): Promise<Outcome<Head>> {
  // Before and after its tree: git looks HEAD up for each, and a user may commit in between.
  const asked = ['--show-toplevel', '--show-object-format', 'HEAD^{commit}', 'HEAD^{tree}', 'HEAD^{commit}'];
  const head = await runGit(context, ['rev-parse', ...asked]);
  if (!head.ok) return explain(head, 'worktree_failed', READING);
  const lines = head.stdout.toString('utf8').trimEnd().split('\n');
  const [topLevel, objectFormat = 'sha1', headCommit = '', headTree = '', headAfterwards] = [
    lines.slice(0, -4).join('\n'),
    ...lines.slice(-4),
  ];
  if (headAfterwards !== headCommit) return askForHead(repository, context);
  if (topLevel === repository.root) return succeed({ headCommit, headTree, objectFormat });
  return refuse('worktree_failed', {
    message: 'The repository keeps its working tree elsewhere (core.worktree), which is not supported.',
  });
}

/** The commit that a name of the caller stands for. Refuses with `base_ref_not_found`. */
export async function resolveRef(context: GitContext, ref: string): Promise<Outcome<string>> {
  if (/^($|[-^])/.test(ref) || /[\x00-\x1f\x7f]/.test(ref)) return refuse('base_ref_not_found');
  const found = await runGit(context, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`]);
  if (found.ok) return succeed(found.stdout.toString('utf8').trim());
  return found.cause === 'exit' ? refuse('base_ref_not_found') : explain(found, 'worktree_failed', READING);
}
