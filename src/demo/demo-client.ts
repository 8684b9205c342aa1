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
  close(): Promise<void>;
  stopDaemon(): Promise<void>;
}

/** Starts `offshoot mcp` with `environment` over this process's own, and connects to it. */
export async function connectClient(environment: Record<string, string>): Promise<DemoClient> {
  const inherited = Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  const env = { ...Object.fromEntries(inherited), ...environment };
  const client = new Client({ name: 'offshoot-demo', version });
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [commandLine, 'mcp'],
      env,
      stderr: 'inherit',
    }),
  );
  return {
    async call(tool, input) {
      const result = await client.callTool({ name: tool, arguments: input });
      if (result.isError) throw new Error(JSON.stringify(result.structuredContent));
      return result.structuredContent as never;
    },
    close: () => client.close(),
    async stopDaemon() {
      await promisify(execFile)(process.execPath, [commandLine, 'stop'], { env });
    },
  };
}
