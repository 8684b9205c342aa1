import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { splitRecords } from './byte-path.js';
import { type GitContext, type GitFailure, runGit } from './git.js';

import { type IndexEntry, readIndex } from './index-file.js';

/** What every form of an index tells of an entry. */
export type ListedEntry = Pick<IndexEntry, 'path' | 'kind' | 'commit' | 'unmerged' | 'assumed' | 'skipped'>;

export interface IndexListing {
  ok: true;
  entries: readonly ListedEntry[];
  /** The same entries with all that the file tells of them; null where git listed them. */
  read: readonly IndexEntry[] | null;
  /** Id of the tree that the entries are, where the index tells it; else null. */
  tree: string | null;
}

/**
 * Lists the context's index. A form that we do not read ourselves is left to git. `anId`: any id of the
 * repository, which tells how long they are.
 */
export async function listIndex(context: GitContext, anId: string): Promise<IndexListing | GitFailure> {
  const { GIT_DIR = '', GIT_INDEX_FILE = join(GIT_DIR, 'index') } = context.environment;
  const read = readIndex(readFileSync(GIT_INDEX_FILE), anId.length / 2);
  if (read !== null) return { ok: true, ...read, read: read.entries };
  const listed = await runGit(context, ['ls-files', '--cached', '--stage', '-v', '-z']);
  if (!listed.ok) return listed;
  return { ok: true, entries: splitRecords(listed.stdout).map(parseRecord), read: null, tree: null };
}

/** A record of `ls-files --stage -v`: `tag mode id stage`, tab, path. A small letter: assume-unchanged. */
function parseRecord(record: string): ListedEntry {
  const tab = record.indexOf('\t');
  const [tag = '', mode = '', id = '', stage] = record.slice(0, tab).split(' ');
  const kind = mode === '160000' ? 'submodule' : mode === '120000' ? 'link' : 'file';
  return {
    path: record.slice(tab + 1),
    kind,
    commit: kind === 'submodule' ? id : null,
    unmerged: stage !== '0',
    assumed: /[a-z]/.test(tag),
    skipped: /s/i.test(tag),
  };
}
