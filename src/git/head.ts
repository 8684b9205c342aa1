import { join } from 'node:path';
import type { Look } from './look.js';
import { firstLine } from './regular-file.js';

/** What no file that we read tells, as of refs in a reftable: git looks for it. */
export const ONLY_GIT_KNOWS = 'only git knows';

const SMALL_FILE_BYTES = 1024 * 1024;
const PACKED_REFS_BYTES = 64 * 1024 * 1024;
const MAX_SYMBOLIC_REFS = 5;
/**
 * A branch is at a commit, and all worktrees of a repository share it: git-worktree(1), "Refs". Another ref may be at a
 * tag, or be of one worktree. What of a name is not UTF-8 is lost here.
 */
const READABLE_BRANCH = /^refs\/heads\/[^\ufffd]+$/;
const ID = /^([0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * The id that HEAD leads to, by files alone: gitrepository-layout(5). `gitDirectory` holds HEAD, `commonDirectory` the
 * refs. Null when it leads nowhere, as before the first commit. Whether the object is there is not looked at.
 */
export async function headCommit(
  gitDirectory: string,
  commonDirectory: string,
  look: Look,
): Promise<string | null> {
  const [reftable, head] = await Promise.all([
    look.at(join(commonDirectory, 'reftable')),
    look.read(join(gitDirectory, 'HEAD'), SMALL_FILE_BYTES),
  ]);
  if (reftable !== null) return ONLY_GIT_KNOWS;
  let value = head;
  for (let followed = 0; value !== null && followed <= MAX_SYMBOLIC_REFS; followed += 1) {
    const line = firstLine(value);
    if (ID.test(line)) return line;
    const name = /^ref:\s*(refs\/.+)$/.exec(line)?.[1];
    if (name === undefined || name.split('/').includes('..')) return null;
    if (!READABLE_BRANCH.test(name)) return ONLY_GIT_KNOWS;
    value = await look.read(join(commonDirectory, name), SMALL_FILE_BYTES);
    if (value === null) return packedRef(commonDirectory, name, look);
  }
  return null;
}

/** A line of `packed-refs` is an id, a blank and the name. */
async function packedRef(commonDirectory: string, name: string, look: Look): Promise<string | null> {
  const packed = await look.read(join(commonDirectory, 'packed-refs'), PACKED_REFS_BYTES);
  const at = packed?.indexOf(` ${name}\n`) ?? -1;
  if (packed === null || at < 0) return null;
  const id = packed.toString('latin1', packed.lastIndexOf('\n', at) + 1, at);
  return ID.test(id) ? id : null;
}
