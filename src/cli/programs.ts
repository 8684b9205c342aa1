import type { Command } from './command.js';
import { exitCodes } from './exit-codes.js';

/** Subcommands that are programs of their own; each is loaded only when it is run. */
export const programs: readonly Command[] = [
  program('mcp', 'Serve MCP on standard input and output; this is what an MCP client starts.', async () => {
    const { runBridge } = await import('../bridge.js');
    await runBridge();
  }),
  program('daemon', 'Run the daemon in the foreground; clients start one by themselves.', async () => {
    const { runDaemon } = await import('../daemon.js');
    await runDaemon();
  }),
  program(
    'demo',
    'Show a job from start to patch, with a scripted model and a throwaway repository.',
    async () => {
      const { runDemo } = await import('../demo/demo.js');
      await runDemo();
    },
  ),
];

function program(name: string, summary: string, start: () => Promise<void>): Command {
  return {
    name,
    parameters: '',
    summary,
    words: { atLeast: 0, atMost: 0 },
    flags: [],
    async run() {
      await start();
      return exitCodes.ok;
    },
  };
}
