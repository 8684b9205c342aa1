import { z } from 'zod';

/**
 * One line of `codex exec --json`, as far as it is read here (Codex 0.169). A field that is missing or of
 * another type than expected reads as absent, so that a newer Codex stays readable.
 */
export interface CodexEvent {
  type: string;
  thread_id: string | undefined;
  message: string | undefined;
  error: z.infer<typeof trouble> | undefined;
  usage: z.infer<typeof tokens> | undefined;
  item: CodexItem | undefined;
}

export interface CodexItem {
  id: string;
  type: string;
  text: string | undefined;
  message: string | undefined;
  command: string | undefined;
  aggregated_output: string | undefined;
  exit_code: number | undefined;
  status: string | undefined;
  changes: z.infer<typeof changes> | undefined;
  server: string | undefined;
  tool: string | undefined;
}

const count = z.int().nonnegative();

export const tokens = z.object({
  input_tokens: count,
  cached_input_tokens: count.catch(0),
  output_tokens: count,
  reasoning_output_tokens: count.catch(0),
});

const trouble = z.object({ message: z.string(), info: z.unknown().optional() });

const changes = z.array(z.object({ path: z.string() }));

/** Null for a line that is no event. */
export function parseEvent(line: string): CodexEvent | null {
  try {
    return readEvent(JSON.parse(line));
  } catch {
    return null;
  }
}

// Only what is rare is held against a schema: for every line, that would take as long as parsing it.
function readEvent(value: unknown): CodexEvent | null {
  if (!isObject(value) || typeof value.type !== 'string') return null;
  return {
    type: value.type,
    thread_id: asThreadId(value.thread_id),
    message: asText(value.message),
    error: fitting(trouble, value.error),
    usage: fitting(tokens, value.usage),
    item: readItem(value.item),
  };
}

function readItem(value: unknown): CodexItem | undefined {
  if (!isObject(value) || typeof value.type !== 'string') return undefined;
  return {
    id: asText(value.id) ?? '',
    type: value.type,
    text: asText(value.text),
    message: asText(value.message),
    command: asText(value.command),
    aggregated_output: asText(value.aggregated_output),
    exit_code: typeof value.exit_code === 'number' ? value.exit_code : undefined,
    status: asText(value.status),
    changes: fitting(changes, value.changes),
    server: asText(value.server),
    tool: asText(value.tool),
  };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const asText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** It becomes a word of a command line, and is looked for in names of files. */
const THREAD_ID = /^[0-9A-Za-z][\w-]{0,99}$/;

const asThreadId = (value: unknown): string | undefined => {
  const text = asText(value);
  return text !== undefined && THREAD_ID.test(text) ? text : undefined;
};

const fitting = <Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> | undefined =>
  value === undefined ? undefined : schema.safeParse(value).data;
