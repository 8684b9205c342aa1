import { type PatchFile, readPatchFiles } from './patch-files.js';

/** Nothing that a repository or a user can configure changes the form of a patch. */
export const diffOptions = ['--no-ext-diff', '--no-textconv', '--no-color', '--ignore-submodules=none'];
export const findRenames = ['-M', '-l1000'];
/** First the list of files, which `FileList` takes, then the patch. */
export const listAndPatch = ['--raw', '--numstat', '-z', '-p', '--full-index'];

/** An empty field ends the list of files, which comes before the patch. */
const END_OF_LIST = '\0\0';

/** Takes the list of files from the beginning of what git writes with `listAndPatch`. */
export class FileList {
  files: PatchFile[] = [];
  private held: Buffer | null = Buffer.alloc(0);

  /** Gives the part of the chunk that belongs to the patch. */
  take(chunk: Buffer): Buffer {
    if (this.held === null) return chunk;
    const bytes = Buffer.concat([this.held, chunk]);
    const end = bytes.indexOf(END_OF_LIST, Math.max(0, this.held.length - 1));
    this.held = end < 0 ? bytes : null;
    if (end < 0) return Buffer.alloc(0);
    this.files = readPatchFiles(bytes.subarray(0, end + 1));
    return bytes.subarray(end + END_OF_LIST.length);
  }

  /** Bytes of a list that has not ended yet. */
  get heldBytes(): number {
    return this.held?.length ?? 0;
  }
}
