import { spawn } from 'node:child_process';
import { type Outcome, succeed } from '../errors.js';
import { conclude } from './answer.js';
import type { Command, Flag } from './command.js';
import { exitCodes } from './exit-codes.js';
import { withDaemon } from './link.js';
import { complain, print } from './terminal.js';

const noBrowser: Flag = {
  name: 'no-browser',
  key: 'noBrowser',
  kind: 'switch',
  placeholder: '',
  description: 'Only print the address.',
};

export const ui: Command = {
  name: 'ui',
  parameters: '',
  summary: 'Open the page that shows the jobs, their statechart, their work and their patches.',
  details:
    'The daemon serves it on the loopback. The address holds a token: whoever has it can read and cancel jobs. `offshoot token --revoke page` makes it void.',
  words: { atLeast: 0, atMost: 0 },
  flags: [noBrowser],
  run: ({ flags }) => open('/', flags.noBrowser === true),
};

export const inspect: Command = {
  name: 'inspect',
  parameters: '',
  summary: "Show the jobs live in Stately's inspector.",
  details:
    "Opens a page of the daemon that holds Stately's inspector, which the browser loads from stately.ai; what goes there are states, events, times and counts. Other receivers of `@statelyai/inspect` can connect to the address of the WebSocket that is printed.",
  words: { atLeast: 0, atMost: 0 },
  flags: [noBrowser],
  run: ({ flags }) => open('/stately', flags.noBrowser === true),
};

async function open(path: '/' | '/stately', quiet: boolean): Promise<number> {
  const outcome = await withDaemon({ start: true }, async (link): Promise<Outcome<number>> => {
    const answer = await link.call<{ url: string; token: string }>('page.open', {});
    if (!answer.ok) return answer;
    const { url, token } = answer.value;
    const address = `${new URL(path, url)}#token=${token}`;
    await print(`${address}\n`);
    if (path === '/stately') await complain(`Receivers: ${socketAddress(url)}?token=${token}\n`);
    if (!quiet && process.stdout.isTTY) openBrowser(address);
    return succeed(exitCodes.ok);
  });
  return conclude(outcome, false);
}

const socketAddress = (url: string) => String(new URL('/inspect', url.replace(/^http/, 'ws')));

/** Where there is no browser, the printed address has to do. */
function openBrowser(address: string): void {
  const opener = spawn('xdg-open', [address], { stdio: 'ignore', detached: true });
  opener.on('error', () => undefined);
  opener.unref();
}
