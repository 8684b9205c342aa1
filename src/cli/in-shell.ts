import { operations } from '../operations/index.js';

/** A text that names tools, as somebody in a shell calls them. */
export const inShell = (text: string): string =>
  text.replace(/\bcodex_\w+/g, (name) => {
    const operation = operations.find(({ tool }) => tool === name);
    return operation === undefined ? name : `\`offshoot ${operation.command}\``;
  });
