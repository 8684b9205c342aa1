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
  /** Bytes of a list that has not ended yet. */
  heldBytes = 0;
  private held: Buffer[] | null = [];

  /** The list is whole: from here on all is patch. */
  get ended(): boolean {
    return this.held === null;
  }

  /** Gives the part of the chunk that belongs to the patch. */
  take(chunk: Buffer): Buffer {
    if (this.held === null) return chunk;
    // The end may be cut in two.
    const last = this.held.at(-1) ?? Buffer.alloc(0);
    const before = last.subarray(Math.max(0, last.length - (END_OF_LIST.length - 1)));
    const end = Buffer.concat([before, chunk]).indexOf(END_OF_LIST);
    if (end < 0) {
      this.held.push(chunk);
      this.heldBytes += chunk.length;
      return Buffer.alloc(0);
    }
    const bytes = Buffer.concat([...this.held, chunk]);
    const listed = this.heldBytes - before.length + end + 1;
    this.files = readPatchFiles(bytes.subarray(0, listed));
    this.held = null;
    this.heldBytes = 0;
    return bytes.subarray(listed + 1);
  }
}
