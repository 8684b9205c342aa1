import { z } from 'zod';

/**
 * One line of `codex exec --json`, as far as it is read here (Codex 0.169). A field that is missing or of
 * another type than expected reads as absent, so that a newer Codex stays readable.
 */
const item = z.object({
  id: z.string().catch(''),
  type: z.string(),
  text: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  command: z.string().optional().catch(undefined),
  aggregated_output: z.string().optional().catch(undefined),
  exit_code: z.number().nullable().optional().catch(undefined),
  status: z.string().optional().catch(undefined),
  changes: z
    .array(z.object({ path: z.string() }))
    .optional()
    .catch(undefined),
  server: z.string().optional().catch(undefined),
  tool: z.string().optional().catch(undefined),
});

export const tokens = z.object({
  input_tokens: z.number(),
  cached_input_tokens: z.number().catch(0),
  output_tokens: z.number(),
  reasoning_output_tokens: z.number().catch(0),
});

const event = z.object({
  type: z.string(),
  thread_id: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  error: z.object({ message: z.string(), info: z.unknown().optional() }).optional().catch(undefined),
  usage: tokens.optional().catch(undefined),
  item: item.optional().catch(undefined),
});

export type CodexEvent = z.infer<typeof event>;
export type CodexItem = z.infer<typeof item>;

/** Null for a line that is no event. */
export function parseEvent(line: string): CodexEvent | null {
  try {
    return event.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
