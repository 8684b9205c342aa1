import type { ServerResponse } from 'node:http';
import { callId } from './asked.js';

/** Something that the scripted model can do with a request. */
export type Reply =
  /** Runs shell commands in the agent's sandbox, all at once, and looks what they gave after `yieldMs`. */
  | { kind: 'run'; commands: readonly string[]; yieldMs: number }
  /** Calls a tool of an MCP server that the agent is a client of. */
  | { kind: 'callTool'; server: string; tool: string; input: object }
  /** Ends the turn with a message. */
  | { kind: 'say'; text: string; usage: ModelUsage }
  /** Refuses over HTTP. */
  | { kind: 'refuse'; status: number; body: string; headers: Record<string, string> }
  /** Fails inside the stream, as `response.failed`. */
  | { kind: 'fail'; code: string; message: string }
  /** Stops short inside the stream, as `response.incomplete`. */
  | { kind: 'stopShort'; reason: string }
  /** Ends the connection in the middle of the stream. */
  | { kind: 'cut' }
  /** Sends a stream that holds no events. */
  | { kind: 'garbage' }
  /** Says nothing and keeps the connection, before the headers or after the first event. */
  | { kind: 'hang'; after: 'request' | 'first event' };

export interface ModelUsage {
  input: number;
  cached: number;
  output: number;
  reasoning: number;
}

const SOME_USAGE: ModelUsage = { input: 100, cached: 40, output: 20, reasoning: 5 };

export const run = (...commands: string[]): Reply => ({ kind: 'run', commands, yieldMs: 30_000 });
/** Starts commands that run long, and goes on after a moment. */
export const leave = (...commands: string[]): Reply => ({ kind: 'run', commands, yieldMs: 250 });
/** Edits files with a patch in Codex's own format (`*** Begin Patch` …), which Codex takes from a shell command. */
export const patch = (text: string): Reply => run(`apply_patch <<'END_OF_PATCH'\n${text}\nEND_OF_PATCH`);
export const callTool = (server: string, tool: string, input: object): Reply => ({
  kind: 'callTool',
  server,
  tool,
  input,
});
export const say = (text: string, usage: ModelUsage = SOME_USAGE): Reply => ({ kind: 'say', text, usage });
export const fail = (code: string, message: string): Reply => ({ kind: 'fail', code, message });
export const stopShort = (reason: string): Reply => ({ kind: 'stopShort', reason });
export const cut = (): Reply => ({ kind: 'cut' });
export const garbage = (): Reply => ({ kind: 'garbage' });
export const hang = (after: 'request' | 'first event'): Reply => ({ kind: 'hang', after });

/** An object goes out as JSON; OpenAI's own errors are `{ error: { type, code, message } }`. */
export const refuseHttp = (
  status: number,
  body: string | object,
  headers: Record<string, string> = {},
): Reply => ({
  kind: 'refuse',
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

/** Writes the reply to the agent. `step` goes into the ids of calls. */
export function answer(response: ServerResponse, reply: Reply, step: number): void {
  if (reply.kind === 'hang' && reply.after === 'request') return;
  if (reply.kind === 'refuse') {
    response
      .writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers })
      .end(reply.body);
    return;
  }
  const id = `response_${step}`;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (reply.kind === 'garbage') {
    response.end('this: is\nno { event\n\n');
    return;
  }
  send(response, { type: 'response.created', response: { id } });
  switch (reply.kind) {
    case 'hang':
      return;
    case 'cut':
      response.destroy();
      return;
    case 'fail':
      send(response, {
        type: 'response.failed',
        response: { id, error: { code: reply.code, message: reply.message } },
      });
      break;
    case 'stopShort':
      send(response, {
        type: 'response.incomplete',
        response: { id, incomplete_details: { reason: reply.reason } },
      });
      break;
    default:
      for (const item of itemsOf(reply, step)) send(response, { type: 'response.output_item.done', item });
      send(response, { type: 'response.completed', response: { id, usage: usageOf(reply) } });
  }
  response.end();
}

type Spoken = Extract<Reply, { kind: 'run' | 'callTool' | 'say' }>;

/** The output items of the Responses API that a reply is made of. */
function itemsOf(reply: Spoken, step: number): object[] {
  switch (reply.kind) {
    case 'run':
      return reply.commands.map((cmd, place) => ({
        type: 'function_call',
        id: `item_${step}_${place}`,
        call_id: callId(step, place),
        name: 'exec_command',
        arguments: JSON.stringify({ cmd, yield_time_ms: reply.yieldMs }),
      }));
    case 'callTool':
      return [
        {
          type: 'function_call',
          id: `item_${step}_0`,
          call_id: callId(step, 0),
          namespace: `mcp__${reply.server}`,
          name: reply.tool,
          arguments: JSON.stringify(reply.input),
        },
      ];
    case 'say':
      return [
        {
          type: 'message',
          role: 'assistant',
          id: `message_${step}`,
          content: [{ type: 'output_text', text: reply.text }],
        },
      ];
  }
}

function usageOf(reply: Spoken) {
  const usage = reply.kind === 'say' ? reply.usage : SOME_USAGE;
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cached },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  };
}

/** One server-sent event; Codex reads its type from the data. */
function send(response: ServerResponse, event: { type: string; [field: string]: unknown }): void {
  response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}
