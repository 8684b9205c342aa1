import type { IncomingHttpHeaders } from 'node:http';

/** What a request to the model says. */
export interface Asked {
  /** The user's task: the last message of the user in the conversation. */
  task: string;
  /** How many times the model has answered the task with calls: 0 for the first request. */
  step: number;
  /** What the agent's calls gave, oldest first. */
  outputs: string[];
  /** The agent's id for the conversation. */
  thread: string;
  headers: IncomingHttpHeaders;
  /** The whole request, as the Responses API describes it. */
  body: Record<string, unknown>;
}

/** The parts of an input item that are read here. */
interface InputItem {
  type?: string;
  role?: string;
  content?: { text?: string }[];
  call_id?: string;
  output?: unknown;
}

/**
 * Call ids carry their step, so that the step can be read back from the conversation however many calls
 * there were at once, and however often the agent asked again.
 */
export const callId = (step: number, place: number) => `call_${step}_${place}`;
const stepOfCall = (id: string) => Number(/^call_(\d+)_/.exec(id)?.[1] ?? 0);

/** Reads the body of `POST /v1/responses`. */
export function readAsked(body: Record<string, unknown>, headers: IncomingHttpHeaders): Asked {
  const input = (Array.isArray(body.input) ? body.input : []) as InputItem[];
  const start = input.findLastIndex((item) => item.type === 'message' && item.role === 'user');
  const results = input.slice(start + 1).filter((item) => item.type?.endsWith('_call_output'));
  return {
    task: (input[start]?.content ?? []).map((part) => part.text ?? '').join(''),
    step: Math.max(0, ...results.map((item) => stepOfCall(item.call_id ?? '') + 1)),
    outputs: results.map((item) => textOf(item.output)),
    thread: String(body.prompt_cache_key ?? ''),
    headers,
    body,
  };
}

const textOf = (output: unknown): string => (typeof output === 'string' ? output : JSON.stringify(output));
