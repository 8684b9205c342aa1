import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { z } from 'zod';
import type { delegateAsync } from '../operations/delegate-async.js';
import type { jobResult } from '../operations/job-result.js';
import type { jobStatus } from '../operations/job-status.js';
import type { status } from '../operations/status.js';
import { version } from '../version.js';

const commandLine = fileURLToPath(new URL('../cli.js', import.meta.url));

/** The tools that the demo calls, and what they answer. */
interface Answers {
  codex_status: z.infer<typeof status.output>;
  codex_delegate_async: z.infer<typeof delegateAsync.output>;
  codex_job_status: z.infer<typeof jobStatus.output>;
  codex_job_result: z.infer<typeof jobResult.output>;
}

/** An MCP client, connected to a bridge process as any MCP client starts one. */
export interface DemoClient {
  /** Throws when the tool refuses. */
  call<Tool extends keyof Answers>(tool: Tool, input: Record<string, unknown>): Promise<Answers[Tool]>;
}

/**
 * Starts `offshoot mcp` with `environment` over this process's own, and has it used while it is connected. A call that
 * is interrupted rejects.
 */
export async function withClient<Value>(
  environment: Record<string, string>,
  interrupted: AbortSignal,
  use: (client: DemoClient) => Promise<Value>,
): Promise<Value> {
  const client = new Client({ name: 'offshoot-demo', version });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [commandLine, 'mcp'],
      env: over(environment),
      stderr: 'inherit',
    }),
  );
  try {
    return await use({
      async call(tool, input) {
        const request = { name: tool, arguments: input };
        const result = await whileCalling(interrupted, (signal) =>
          client.callTool(request, undefined, { signal }),
        );
        if (result.isError) throw new Error(JSON.stringify(result.structuredContent));
        return result.structuredContent as never;
      },
    });
  } finally {
    await client.close();
  }
}

/** The SDK listens to a call's signal for good, and cancels the call whenever it comes: each call has one of its own. */
async function whileCalling<Value>(
  interrupted: AbortSignal,
  call: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  interrupted.throwIfAborted();
  const calling = new AbortController();
  const cancel = () => calling.abort(interrupted.reason);
  interrupted.addEventListener('abort', cancel);
  try {
    return await call(calling.signal);
  } finally {
    interrupted.removeEventListener('abort', cancel);
  }
}

/** Has the jobs with a label end. A daemon that is on its way up is waited for, and one that lacks is started. */
export const cancelJobs = (environment: Record<string, string>, label: string) =>
  command(environment, 'cancel', '--label', label);

/** Stops the daemon once its jobs have ended. */
export const stopDaemon = (environment: Record<string, string>) => command(environment, 'stop');

async function command(environment: Record<string, string>, ...words: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [commandLine, ...words], { env: over(environment) });
}

function over(environment: Record<string, string>): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return { ...Object.fromEntries(inherited), ...environment };
}
