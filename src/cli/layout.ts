/** What a terminal shows in one line, unless somebody has widened it. */
const WIDTH = 80;
const WIDEST_LEFT = 28;

/** Breaks a text into lines of at most `width` characters, at blanks. */
export function wrap(text: string, width = WIDTH): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length < width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Two columns, the right one wrapped beside the left one, or below it where that is too wide. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.min(WIDEST_LEFT, Math.max(...rows.map(([term]) => term.length)));
  const margin = ' '.repeat(left + 4);
  return rows.flatMap(([term, text]) => {
    const lines = wrap(text, WIDTH - margin.length).map((line) => `${margin}${line}`);
    if (term.length > left) return [`  ${term}`, ...lines];
    return [`  ${term.padEnd(left)}  ${lines[0]?.trimStart() ?? ''}`, ...lines.slice(1)];
  });
}

/** Aligned columns with a head; the last column is not padded. Line breaks in a cell become blanks. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replace(/\s+/g, ' ')));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
