import { beginsPrivateKey, endsPrivateKey, maskerOf } from './secrets.js';

/**
 * Why a file of a patch is not shown as it is. `masked`: secrets in added lines are blotted out.
 * `secret_file`, `secret_in_baseline` and `too_large_to_check`: the file is withheld, because of its name,
 * because lines that must match the baseline hold a secret, or because nobody looked. `would_not_apply`: what
 * is left without other files does not apply.
 */
export type RedactionReason =
  | 'masked'
  | 'secret_file'
  | 'secret_in_baseline'
  | 'too_large_to_check'
  | 'would_not_apply';

export interface RedactedPart {
  reason: RedactionReason | null;
  /** What is shown; null when the file is withheld. */
  shown: Buffer | null;
}

/**
 * Masks the secrets in one file of a patch. Lines keep their number, so that the rest still applies: only
 * added lines may change, for context and removed lines must match the baseline.
 */
export function redactPart(part: Buffer): RedactedPart {
  const text = part.toString('latin1');
  const lines = text.split('\n');
  const firstHunk = lines.findIndex((line) => line.startsWith('@@ '));
  // No hunk: a mode, a pure rename, or binary data, which nobody reads.
  if (firstHunk < 0) return { reason: null, shown: part };
  const mask = maskerOf(text);
  let inPrivateKey = false;
  let masked = false;
  for (let at = firstHunk; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    if (line.startsWith('@@ ')) inPrivateKey = false;
    const ends = endsPrivateKey(line);
    const key: boolean = inPrivateKey || beginsPrivateKey(line) || ends;
    // The heading of a hunk repeats a line of the file, and may be cut off.
    // The first character tells the kind of the line.
    const kept = key ? '' : line.charAt(0) + mask(line.slice(1));
    inPrivateKey = key && !ends;
    if (!key && kept === line) continue;
    if (line.startsWith('@@ ')) lines[at] = /^@@ [^@]* @@/.exec(line)?.[0] ?? line;
    else if (line.startsWith('+')) lines[at] = key ? '+[redacted]' : kept;
    else return { reason: 'secret_in_baseline', shown: null };
    masked = true;
  }
  return masked
    ? { reason: 'masked', shown: Buffer.from(lines.join('\n'), 'latin1') }
    : { reason: null, shown: part };
}
