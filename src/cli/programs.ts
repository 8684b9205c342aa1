import type { Command, Flag, Given } from './command.js';
import { exitCodes } from './exit-codes.js';

/** Subcommands that are programs of their own; each is loaded only when it is run. */
export const programs: readonly Command[] = [
  program('mcp', 'Serve MCP on standard input and output; this is what an MCP client starts.', async () => {
    const { runBridge } = await import('../bridge.js');
    return runBridge();
  }),
  program(
    'daemon',
    'Run the daemon in the foreground; clients start one by themselves.',
    async ({ flags }) => {
      const { runDaemon } = await import('../daemon.js');
      await runDaemon(typeof flags.http === 'string' ? { http: flags.http } : {});
      return exitCodes.ok;
    },
    [
      {
        name: 'http',
        key: 'http',
        kind: 'text',
        placeholder: 'HOST:PORT',
        description: 'Serve MCP over HTTP too, to those who have a token; 127.0.0.1:0 takes a free port.',
      },
    ],
  ),
  program(
    'demo',
    'Show a job from start to patch, with a scripted model and a throwaway repository.',
    async () => {
      const { runDemo } = await import('../demo/demo.js');
      return (await runDemo()) ? exitCodes.ok : exitCodes.refused;
    },
  ),
];

function program(
  name: string,
  summary: string,
  run: (given: Given) => Promise<number>,
  flags: readonly Flag[] = [],
): Command {
  return {
    name,
    parameters: '',
    summary,
    words: { atLeast: 0, atMost: 0 },
    flags,
    run,
  };
}
