import { succeed } from '../errors.js';
import { conclude } from './answer.js';
import type { Command } from './command.js';
import { exitCodes } from './exit-codes.js';
import { withDaemon } from './link.js';
import { readWholePatch } from './patch-pages.js';
import { complain, print } from './terminal.js';

export const patch: Command = {
  name: 'patch',
  parameters: 'JOB',
  summary: 'Write the patch of an ended job to standard output, byte for byte, secrets in it included.',
  details:
    'For example: `offshoot patch JOB | git apply`. A job that was not done also has its patch so far.',
  words: { atLeast: 1, atMost: 1 },
  flags: [],
  async run({ words }) {
    const outcome = await withDaemon({ start: true }, async (link) => {
      const read = await readWholePatch(link, words[0] ?? '', print);
      if (!read.ok) return read;
      const { status, patch_bytes: bytes } = read.value.first;
      if (status !== 'done') await complain(`The job ended as ${status}.\n`);
      if (bytes === null) await complain('It has no patch.\n');
      return succeed(bytes === null ? exitCodes.refused : exitCodes.ok);
    });
    return conclude(outcome, false);
  },
};
