import { envelope, type Fault, type Outcome } from '../errors.js';
import { exitCodes } from './exit-codes.js';
import { inShell } from './in-shell.js';
import { complain, jsonDocument, paint, print, printable } from './terminal.js';

/** The exit code of a run; a refusal is told first: as JSON on standard output, else to people on stderr. */
export async function conclude(outcome: Outcome<number>, json: boolean): Promise<number> {
  if (outcome.ok) return outcome.value;
  if (json) await print(jsonDocument(envelope(outcome.fault)));
  else await complain(explain(outcome.fault));
  return outcome.fault.code === 'invalid_arguments' ? exitCodes.usage : exitCodes.refused;
}

/** A refusal in words: what happened, where, and what to do. */
export function explain(fault: Fault): string {
  const { code, message, repair } = envelope(fault).error;
  const lines = [`${message} (${code})`, ...reasons(fault.details), inShell(repair.advice)];
  return `${paint('red', 'error:')} ${printable(lines.join('\n'))}\n`;
}

function reasons(details: Fault['details']): string[] {
  if (details === undefined) return [];
  const fields = Array.isArray(details.fields) ? details.fields : [];
  const named = fields.map(
    (entry: { field?: unknown; reason?: unknown }) => `  ${entry.field}: ${entry.reason}`,
  );
  return typeof details.reason === 'string' ? [...named, `  ${details.reason}`] : named;
}
