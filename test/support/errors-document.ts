import { errorTable } from '../../src/errors.js';
import { code, table } from './markdown.js';

const HEAD = `# Errors

Every refusal of a call, and every way in which a job can end otherwise than as done, has one of these codes. The page
is made from [src/errors.ts](../src/errors.ts) by \`npm run docs\`; a test compares them.

A refused call answers \`{"ok": false, "error": {…}}\` with \`isError\` set: the \`code\`, a \`message\`, whether it is
\`temporary\`, \`retry_after_ms\` (a number only where it is temporary), and \`repair\`, which says what to do next. Where a
tool helps, it is named, with arguments that can be passed as they stand. No value that was sent is given back.

*Temporary* means that the very same call can succeed later without anybody changing anything.
`;

/** The page of all errors, from the table in the sources. */
export function renderErrors(): string {
  const rows = Object.entries(errorTable).map(([name, entry]) => [
    code(name),
    entry.message,
    entry.temporary ? 'yes' : 'no',
    code(entry.nextStep),
    'tool' in entry ? `${entry.advice} (${code(entry.tool)})` : entry.advice,
  ]);
  return `${HEAD}\n${table(['Code', 'What happened', 'Temporary', 'Next step', 'What to do'], rows)}\n`;
}
