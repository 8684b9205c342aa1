import { envelope, type Outcome } from '../errors.js';
import { invoke } from '../operations/invoke.js';
import { sharedText } from '../operations/shared-answer.js';
import { prepareText } from './message-text.js';
import { coalescedProgress } from './progress.js';
import type { Caller, McpResult, McpService } from './service.js';

/** Calls an operation for a client, which hears of its progress if it asked to; never after the outcome. */
export async function callOperation(
  { operations, house, log }: McpService,
  tool: unknown,
  input: unknown,
  { origin, defaultWorkspace, signal, rest, notify }: Caller,
): Promise<Outcome<unknown>> {
  const progress = notify === null ? null : coalescedProgress(notify);
  const report = (message: string) => progress?.report(message);
  const call = { house, origin, defaultWorkspace, signal, rest, listens: progress !== null, report };
  const outcome = await invoke(operations, typeof tool === 'string' ? tool : '', input, call, log);
  progress?.end();
  return outcome;
}

/** Of shared answers. */
const results = new WeakMap<object, McpResult>();

/** Clients show their model either the structured content or the text, so both say the same. */
export function toToolResult(outcome: Outcome<unknown>): McpResult {
  const structured = outcome.ok ? outcome.value : envelope(outcome.fault);
  const shared = sharedText(structured);
  if (shared !== undefined) return resultOfShared(structured as object, shared);
  return {
    content: [{ type: 'text', text: JSON.stringify(structured) }],
    structuredContent: structured,
    ...(outcome.ok ? {} : { isError: true }),
  };
}

function resultOfShared(answer: object, text: string): McpResult {
  const known = results.get(answer);
  if (known !== undefined) return known;
  const result = prepareText({ content: [{ type: 'text', text }], structuredContent: answer });
  results.set(answer, result);
  return result;
}
