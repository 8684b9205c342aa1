import { type Outcome, refuse, succeed } from '../errors.js';

/** Settings of Codex that shape its answers, and neither what it may do nor whom it talks to. */
const SETTINGS = [
  'model_auto_compact_token_limit',
  'model_context_window',
  'model_reasoning_summary',
  'model_verbosity',
  'personality',
  'project_doc_max_bytes',
  'service_tier',
  'tool_output_token_limit',
];
/** A word or a number: what each of these settings takes. */
const SETTING = new RegExp(`^(?:${SETTINGS.join('|')})=[A-Za-z0-9_.-]{1,64}$`);

/**
 * Reads extra arguments of Codex, as they would stand on its command line: `-c KEY=VALUE`, or `--config`. Gives
 * the `KEY=VALUE` of each. Refuses all that is not listed, so that no argument can weaken what a job promises:
 * sandbox, approvals, network, directories, programs.
 */
export function readExtraArguments(words: readonly string[]): Outcome<string[]> {
  const settings: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const [, flag, joined] = /^(-c|--config)(?:=(.*))?$/s.exec(words[at] ?? '') ?? [];
    if (flag === undefined) return refuseWord(at);
    if (joined === undefined) at += 1;
    const setting = joined ?? words[at] ?? '';
    if (!SETTING.test(setting)) return refuseWord(at);
    settings.push(setting);
  }
  return succeed(settings);
}

const refuseWord = (at: number) =>
  refuse('extra_args_rejected', {
    details: { field: `extra_args.${at}`, allowed_values: SETTINGS.map((key) => `${key}=VALUE`) },
  });
