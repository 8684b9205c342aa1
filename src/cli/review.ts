import { refuse, succeed } from '../errors.js';
import { delegateAsync } from '../operations/delegate-async.js';
import { reviewChanges } from '../operations/review-changes.js';
import { reviewChangesAsync } from '../operations/review-changes-async.js';
import type { Flag } from './command.js';
import { flagsOf } from './flags.js';
import { handOverCommand } from './hand-over.js';

const refFlag = (name: string, description: string): Flag => ({
  name,
  key: name,
  kind: 'text',
  placeholder: 'REF',
  description,
});

const trackedFlag: Flag = {
  name: 'tracked-only',
  key: 'tracked',
  kind: 'switch',
  placeholder: '',
  description: 'Leave untracked files out.',
};

export const review = handOverCommand({
  name: reviewChanges.command,
  operation: reviewChangesAsync,
  parameters: '[PATH...]',
  summary: 'Have Codex review changes and show its verdict.',
  details:
    'It reviews what is not committed, below the paths if some are given, or what --branch or --commit names. The verdict counts for what was covered.',
  words: { atLeast: 0, atMost: 100 },
  flags: [
    refFlag('branch', 'Review the commits of HEAD since it left this branch.'),
    refFlag('commit', 'Review this commit.'),
    trackedFlag,
    ...flagsOf(reviewChangesAsync.input, ['scope', 'ref', 'paths', 'include_untracked'], delegateAsync.input),
  ],
  async toInput({ words, flags }) {
    const { branch, commit, tracked, ...settings } = flags;
    if (branch !== undefined && commit !== undefined)
      return refuse('invalid_arguments', {
        message: 'Either --branch or --commit can be reviewed, not both.',
      });
    return succeed({
      ...settings,
      ...(branch !== undefined && { scope: 'branch', ref: branch }),
      ...(commit !== undefined && { scope: 'commit', ref: commit }),
      ...(tracked === true && { include_untracked: false }),
      paths: [...words],
    });
  },
});
