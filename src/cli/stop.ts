import { loadSettings } from '../config.js';
import { type Fault, succeed } from '../errors.js';
import { conclude } from './answer.js';
import type { Command } from './command.js';
import { exitCodes } from './exit-codes.js';
import { withDaemon } from './link.js';
import { complain, liveLine, print, printable } from './terminal.js';

export const stop: Command = {
  name: 'stop',
  parameters: '',
  summary: 'Stop the daemon once the running jobs have ended.',
  details:
    'Queued jobs stay queued for the next daemon. With --now running agents are left to the next daemon too.',
  words: { atLeast: 0, atMost: 0 },
  flags: [
    {
      name: 'now',
      key: 'now',
      kind: 'switch',
      placeholder: '',
      description: 'Do not wait for running jobs; the next daemon goes on with them.',
    },
  ],
  async run({ flags }) {
    const outcome = await withDaemon({ start: false }, async (link) => {
      liveLine.show('Waiting for the running jobs to end.');
      const answer = await link.call('daemon.stop', { now: flags.now === true });
      liveLine.clear();
      if (!answer.ok && !isGone(answer.fault)) return answer;
      await print(answer.ok ? 'The daemon has stopped.\n' : 'No daemon runs.\n');
      return succeed(exitCodes.ok);
    });
    const settings = loadSettings();
    if (!settings.ok)
      await complain(`note: No daemon can be started now: ${printable(settings.fault.message)}\n`);
    return conclude(outcome, false);
  },
};

const isGone = ({ code }: Fault) => code === 'daemon_unavailable' || code === 'answer_lost';
