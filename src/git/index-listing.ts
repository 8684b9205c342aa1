import { join } from 'node:path';
import { type BytePath, splitRecords } from './byte-path.js';
import { type GitContext, type GitFailure, runGit } from './git.js';
import { endsWithChecksum, type IndexContent, type OddEntry, readIndex } from './index-file.js';
import { SUBMODULE_MODE } from './modes.js';
import { readRegularFile } from './regular-file.js';

/** Ten million files. */
const MAX_INDEX_BYTES = 1024 ** 3;

/** What every form of an index tells. */
export interface IndexListing extends Pick<IndexContent, 'paths' | 'odd' | 'named' | 'tree'> {
  /** With all that the file tells; null where git listed it. */
  read: IndexContent | null;
}

/**
 * Lists the context's index. A form that we do not read ourselves is left to git. `anId`: any id of the
 * repository, which tells how long they are.
 */
export async function listIndex(
  context: GitContext,
  anId: string,
): Promise<{ ok: true; index: IndexListing } | GitFailure> {
  const { GIT_DIR = '', GIT_INDEX_FILE = join(GIT_DIR, 'index') } = context.environment;
  const content = readRegularFile(GIT_INDEX_FILE, MAX_INDEX_BYTES) ?? Buffer.alloc(0);
  const idBytes = anId.length / 2;
  const read = readIndex(content, idBytes);
  if (read !== null) return { ok: true, index: asListing(read) };
  // git would wait at a named pipe, read a device without end, and find files that are not there in what was cut short.
  if (!endsWithChecksum(content, idBytes))
    return { ok: false, cause: 'exit', exitCode: null, stderr: 'the index is damaged' };
  const listed = await runGit(context, ['ls-files', '--cached', '--stage', '-v', '-z']);
  if (!listed.ok) return listed;
  return { ok: true, index: listingOf(splitRecords(listed.stdout).map(parseRecord)) };
}

const asListing = (read: IndexContent): IndexListing => ({
  paths: () => read.paths(),
  odd: () => read.odd(),
  named: (name) => read.named(name),
  tree: read.tree,
  read,
});

const listingOf = (entries: readonly OddEntry[]): IndexListing => ({
  paths: () => entries.map(({ path }) => path),
  odd: () => entries.filter((entry) => entry.commit !== null || isMarked(entry)),
  named: (name) => entries.map(({ path }) => path).filter((path) => isNamed(path, name)),
  tree: null,
  read: null,
});

const isMarked = ({ unmerged, assumed, skipped }: OddEntry): boolean => unmerged || assumed || skipped;
const isNamed = (path: BytePath, name: string): boolean => path === name || path.endsWith(`/${name}`);

/** A record of `ls-files --stage -v`: `tag mode id stage`, tab, path. A small letter: assume-unchanged. */
function parseRecord(record: string): OddEntry {
  const tab = record.indexOf('\t');
  const [tag = '', mode = '', id = '', stage] = record.slice(0, tab).split(' ');
  return {
    path: record.slice(tab + 1),
    commit: mode === SUBMODULE_MODE ? id : null,
    unmerged: stage !== '0',
    assumed: /[a-z]/.test(tag),
    skipped: /s/i.test(tag),
  };
}
