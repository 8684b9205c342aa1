import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { fitList } from './fit.js';

const lines = z.number().nullable();

/** One changed file, as the diff stage keeps it. Null lines: a binary file. */
const keptFile = z.object({
  path: z.string(),
  oldPath: z.string().optional(),
  status: z.string(),
  added: lines,
  removed: lines,
});

export const changedFile = z.object({
  path: z.string(),
  old_path: z.string().optional(),
  status: z.string(),
  added: lines,
  removed: lines,
});

const MAX_LIST_BYTES = 8 * 1024;

/** The first changed files, as many as fit into an answer; null when the list is missing or is none. */
export async function readFileList(path: string): Promise<z.infer<typeof changedFile>[] | null> {
  try {
    const files = z.array(keptFile).parse(JSON.parse(await readFile(path, 'utf8')));
    const described = files.map(({ oldPath, ...file }) => ({
      ...file,
      ...(oldPath !== undefined && { old_path: oldPath }),
    }));
    return fitList(described, MAX_LIST_BYTES);
  } catch {
    return null;
  }
}
