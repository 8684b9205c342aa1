import { createHash } from 'node:crypto';
import { type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { headCommit, ONLY_GIT_KNOWS } from './head.js';
import { keepAtMost } from './keep-at-most.js';
import { promptLook } from './look.js';
import type { Repository } from './repository.js';

/** What git says of HEAD in a repository whose working tree is where its git directory lies. */
export interface Head {
  /** Commit that HEAD is at. */
  headCommit: string;
  /** Tree of that commit. */
  headTree: string;
  /** `sha1` or `sha256`. */
  objectFormat: string;
}

interface Known {
  /** Hash of the whole configuration, as git listed it: that may be large. */
  configuration: string;
  owners: string;
  /** Trees of commits: they never change. */
  trees: Map<string, Head>;
}

const MOST_REPOSITORIES = 100;
const MOST_COMMITS = 100;
const known = new Map<string, Known>();

/**
 * The answer that git would give again, without asking it: where the working tree is, in which format objects are, and
 * whether the repository is trusted follow from its configuration and from whose it is, and both are as they were. Only
 * where HEAD is at is read anew. Null where git has to be asked.
 */
export async function knownHead(repository: Repository, listing: Buffer): Promise<Head | null> {
  const { gitDirectory, commonDirectory } = repository;
  const before = known.get(repository.root);
  if (before?.configuration !== hashOf(listing) || before.owners !== ownersOf(repository)) return null;
  const commit = await headCommit(gitDirectory, commonDirectory, promptLook);
  return before.trees.get(commit ?? ONLY_GIT_KNOWS) ?? null;
}

/** Remembers what git said, for `knownHead`. */
export function remember(repository: Repository, listing: Buffer, head: Head): void {
  const owners = ownersOf(repository);
  const configuration = hashOf(listing);
  const before = known.get(repository.root);
  const isSame = before?.configuration === configuration && before.owners === owners;
  const trees = (isSame && before?.trees) || new Map<string, Head>();
  keepAtMost(MOST_COMMITS, trees, head.headCommit, head);
  keepAtMost(MOST_REPOSITORIES, known, repository.root, { configuration, owners, trees });
}

const hashOf = (listing: Buffer): string => createHash('sha256').update(listing).digest('hex');

/** Of what git looks at before it trusts a repository: safe.directory in git-config(1). */
function ownersOf({ root, gitDirectory, commonDirectory }: Repository): string {
  const owner = (path: string): Stats['uid'] | undefined => statSync(path, { throwIfNoEntry: false })?.uid;
  const owned = [root, join(root, '.git'), gitDirectory];
  return [...owned.map(owner), gitDirectory, commonDirectory].join('\n');
}
