import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BytePath, splitRecords } from './byte-path.js';
import { type GitContext, type GitFailure, runGit } from './git.js';
import { ObjectPack } from './object-pack.js';
import type { Trees } from './plain-record.js';
import type { SlotLayout } from './slot.js';

export interface StoodIn {
  ok: true;
  /** In which git can compare the trees. */
  context: GitContext;
  /** Files of the earlier tree whose content is not at hand. */
  unknown: BytePath[];
}

/**
 * Lets git compare two trees of a slot where content of the earlier one is not at hand, as in a partial clone: git takes
 * another in its place (git-replace(1)), which it holds for binary. So the patch names the old content by its own id and
 * holds the new one whole; it applies where the old content is, and shows no lines of either.
 */
export async function standInForUnknown(
  slot: SlotLayout,
  context: GitContext,
  trees: Trees,
): Promise<StoodIn | GitFailure> {
  const earlier = await listEarlier(context, trees);
  if (!earlier.ok) return earlier;
  const ids = [...new Set(earlier.files.map(({ id }) => id))];
  const looked = await runGit(context, ['cat-file', '--batch-check'], Buffer.from(ids.join('\n')));
  if (!looked.ok) return looked;
  const missing = new Set([...looked.stdout.toString('latin1').matchAll(MISSING)].map(([id]) => id));
  if (missing.size === 0) return { ok: true, context, unknown: [] };
  replaceObjects(slot, missing, trees.before.length / 2);
  const { GIT_NO_REPLACE_OBJECTS: _, ...environment } = context.environment;
  return {
    ok: true,
    context: { ...context, environment },
    unknown: earlier.files.filter(({ id }) => missing.has(id)).map(({ path }) => path),
  };
}

/** In the lines of `cat-file --batch-check`. */
const MISSING = /^\w+(?= missing$)/gm;
const FILE_OR_LINK = /^1[02]/;

/** Files of the earlier tree that the later one does not have, or not so. */
async function listEarlier(
  context: GitContext,
  { before, after }: Trees,
): Promise<{ ok: true; files: { path: BytePath; id: string }[] } | GitFailure> {
  const listed = await runGit(context, ['diff-tree', '-r', '--raw', '-z', before, after]);
  if (!listed.ok) return listed;
  const records = splitRecords(listed.stdout);
  const files: { path: BytePath; id: string }[] = [];
  // Records come in pairs: `:mode mode id id status`, path.
  for (let at = 0; at + 1 < records.length; at += 2) {
    const [description = '', path = ''] = records.slice(at, at + 2);
    const [mode = '', , id = ''] = description.slice(1).split(' ');
    if (FILE_OR_LINK.test(mode)) files.push({ path, id });
  }
  return { ok: true, files };
}

const RANDOM_BYTES = 32;

/** Nothing that an agent wrote is like the stand-in: git would take that for what was unknown, and leave it out. */
function replaceObjects(slot: SlotLayout, ids: Iterable<string>, idBytes: number): void {
  const pack = new ObjectPack(idBytes);
  const standIn = pack.add('blob', Buffer.concat([Buffer.from([0]), randomBytes(RANDOM_BYTES)]));
  pack.place(slot.objects);
  const replacements = join(slot.gitDirectory, 'refs', 'replace');
  mkdirSync(replacements, { recursive: true });
  for (const id of ids) writeFileSync(join(replacements, id), `${standIn}\n`);
}
