import type { z } from 'zod';
import type { models } from '../operations/models.js';
import { table } from './layout.js';

/** What `offshoot models` shows: what can be chosen, and what a job gets that chooses nothing. */
export function describeModels(answer: z.infer<typeof models.output>): string {
  const rows = answer.models.map(({ model, efforts, default_effort, description }) => [
    model === answer.model ? `${model} *` : model,
    efforts.map((effort) => (effort === default_effort ? `${effort} *` : effort)).join(', '),
    description,
  ]);
  const chosen = `A job that names none: ${answer.model ?? "Codex's own choice"}, effort ${answer.reasoning_effort ?? 'its own'}.`;
  return `${table(['MODEL', 'EFFORTS', ''], rows)}\n\n${chosen}\n`;
}
