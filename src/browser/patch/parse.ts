export interface PatchFile {
  path: string;
  lines: { kind: 'head' | 'hunk' | 'added' | 'removed' | 'same'; text: string }[];
  added: number;
  removed: number;
}

/** Cuts a patch into its files, and tells each line's part. A line ends at a line feed, whatever else it holds. */
export function filesOf(patch: string): PatchFile[] {
  const parts = patch.split(/(?<=\n)(?=diff --git )/).filter((part) => part !== '');
  return parts.map((part) => {
    const texts = part.replace(/\n$/, '').split('\n');
    let inHunk = false;
    const lines = texts.map((text) => {
      if (text.startsWith('@@ ')) inHunk = true;
      return { kind: kindOf(text, inHunk), text };
    });
    return {
      path: pathOf(texts),
      lines,
      added: lines.filter(({ kind }) => kind === 'added').length,
      removed: lines.filter(({ kind }) => kind === 'removed').length,
    };
  });
}

function kindOf(text: string, inHunk: boolean): PatchFile['lines'][number]['kind'] {
  if (!inHunk) return 'head';
  if (text.startsWith('@@ ')) return 'hunk';
  if (text.startsWith('+')) return 'added';
  return text.startsWith('-') ? 'removed' : 'same';
}

/** The new path; the old one of a file that was deleted. */
function pathOf(texts: readonly string[]): string {
  const named = (start: string) =>
    texts
      .find((text) => text.startsWith(start))
      ?.slice(start.length)
      .replace(/\t$/, '');
  const path = named('+++ b/') ?? named('rename to ') ?? named('--- a/');
  return path ?? texts[0]?.replace(/^diff --git a\/.* b\//, '') ?? '';
}
