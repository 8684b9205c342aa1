import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { Context } from '../scenario.js';
import { wholeEnvironment } from './environment.js';
import type { Answer, World } from './world.js';

export const commandLine = fileURLToPath(new URL('../../src/cli.js', import.meta.url));

/** An MCP server over stdio with our tools' names: our bridge, or a peer. */
export interface McpServer {
  name: string;
  /** Hands a task over; answers the job's id. */
  submit(task: string): Promise<string>;
  /** Resolves once the job has ended. */
  ended(jobId: string): Promise<void>;
  /** A look at one job. */
  look(jobId: string): Promise<void>;
}

const POLL_MS = 100;
/** What a reader of figures beside a peer must know. */
export const PEER_NOTE = `A peer that has no codex_job_wait is asked every ${POLL_MS} ms whether a job has ended.`;
const UNDER_WAY = ['queued', 'worktree', 'running', 'retrying', 'diffing', 'pending', 'working'];

/** Our own bridge before the daemon of a world that was started. */
export const ourServer = (context: Context, world: World): Promise<McpServer> =>
  overStdio(context, world.repository, {
    name: 'offshoot',
    command: process.execPath,
    args: [commandLine, 'mcp'],
    env: world.environment,
  });

/** The peer that the user named, with the user's environment and configuration. */
export const peerServer = (context: Context, command: string, repository: string): Promise<McpServer> =>
  overStdio(context, repository, {
    name: 'peer',
    command: '/bin/sh',
    args: ['-c', command],
    env: wholeEnvironment(),
  });

const overStdio = (
  context: Context,
  repository: string,
  { name, ...parameters }: { name: string; command: string; args: string[]; env: Record<string, string> },
): Promise<McpServer> => {
  const transport = new StdioClientTransport({ ...parameters, cwd: repository, stderr: 'ignore' });
  return connect(context, repository, name, transport);
};

async function connect(
  context: Context,
  repository: string,
  name: string,
  transport: Transport,
): Promise<McpServer> {
  const client = new Client({ name: 'offshoot-bench', version: '1' });
  await client.connect(transport);
  context.atEnd(() => client.close());
  const { tools } = await client.listTools();
  const canWait = tools.some((tool) => tool.name === 'codex_job_wait');

  const call = async (tool: string, input: Record<string, unknown>): Promise<Answer> => {
    const answer = await client.callTool({ name: tool, arguments: input }, undefined, { timeout: 300_000 });
    const text = (answer.content as { text?: string }[] | undefined)?.[0]?.text ?? '';
    if (answer.isError) throw new Error(`${name}: ${tool}: ${text.slice(0, 300)}`);
    return answer.structuredContent ?? JSON.parse(text);
  };
  const statusOf = async (jobId: string): Promise<string> =>
    (await call('codex_job_status', { job_id: jobId, workspace_root: repository })).status;

  return {
    name,
    submit: (task) => submitOver(call, repository, task),
    async ended(jobId) {
      while (UNDER_WAY.includes(await statusOf(jobId))) {
        context.signal.throwIfAborted();
        if (canWait) await call('codex_job_wait', { job_ids: [jobId] });
        else await delay(POLL_MS);
      }
    },
    look: async (jobId) => void (await statusOf(jobId)),
  };
}

export async function submitOver(
  call: (tool: string, input: Record<string, unknown>) => Promise<Answer>,
  repository: string,
  task: string,
): Promise<string> {
  return (await call('codex_delegate_async', { task, workspace_root: repository })).job_id;
}
