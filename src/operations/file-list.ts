import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { fitList } from './fit.js';

const lines = z.number().nullable();
const range = z.object({ offset: z.number().int(), length: z.number().int() });
const nowhere = { offset: 0, length: 0 };

/** One changed file, as the diff stage keeps it. Null lines: a binary file. */
const keptFile = z.object({
  path: z.string(),
  oldPath: z.string().optional(),
  status: z.string(),
  added: lines,
  removed: lines,
  flags: z.array(z.string()).optional(),
  /** Its place in the patch. */
  exact: range.default(nowhere),
  /** Its place in what is shown of the patch; null when it is withheld. */
  shown: range.nullable().default(nowhere),
  redacted: z.string().optional(),
});

export type KeptFile = z.infer<typeof keptFile>;

export const changedFile = z.object({
  path: z.string(),
  old_path: z.string().optional(),
  status: z.string(),
  added: lines,
  removed: lines,
  flags: z.array(z.string()).optional(),
});

const MAX_LIST_BYTES = 8 * 1024;

/** All changed files; null when the list is missing or is none. */
export async function readKeptFiles(path: string): Promise<KeptFile[] | null> {
  try {
    return z.array(keptFile).parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}

/** The first changed files, as many as fit into an answer; those with flags before the others. */
export function describeFiles(files: readonly KeptFile[]): z.infer<typeof changedFile>[] {
  const described = files.map(({ path, oldPath, status, added, removed, flags }) => ({
    path,
    ...(oldPath !== undefined && { old_path: oldPath }),
    status,
    added,
    removed,
    ...(flags !== undefined && { flags }),
  }));
  const fitting = fitList(described, MAX_LIST_BYTES);
  if (fitting.length === described.length) return fitting;
  const isFlagged = ({ flags }: { flags?: string[] }) => flags !== undefined;
  return fitList(
    [...described.filter(isFlagged), ...described.filter((file) => !isFlagged(file))],
    MAX_LIST_BYTES,
  );
}
