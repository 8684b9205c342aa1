import { bareCommand, fileNames } from './codex-activity.js';
import { type CodexItem, parseEvent } from './codex-event.js';
import type { LogEntry } from './log-entry.js';
import { plainCause, plainText } from './plain-text.js';

const TEXT_CHARACTERS = 8_192;
const OUTPUT_CHARACTERS = 4_096;

/** Reads one line of an agent's output; null for what people need not see. `place` tells lines apart. */
export function logEntryOf(backend: string, line: string, place: string): LogEntry | null {
  if (backend === 'command') return entry(place, 'output', line);
  const event = parseEvent(line);
  if (event === null) return null;
  if (event.item !== undefined) return entryOfItem(event.item, event.type);
  switch (event.type) {
    case 'turn.started':
      return entry(place, 'turn', 'The agent begins.');
    case 'turn.completed':
      return entry(place, 'turn', `The agent is finished.${spent(event.usage)}`);
    case 'turn.failed':
      return {
        ...entry(place, 'trouble', plainCause(event.error?.message ?? 'The turn failed.')),
        state: 'failed',
      };
    case 'error':
      return { ...entry(place, 'trouble', plainCause(event.message ?? '')), state: 'failed' };
    default:
      return null;
  }
}

function entryOfItem(item: CodexItem, eventType: string): LogEntry | null {
  const state = eventType !== 'item.completed' ? 'underway' : hasFailed(item) ? 'failed' : 'done';
  switch (item.type) {
    case 'agent_message':
      return { ...entry(item.id, 'message', item.text ?? ''), state };
    case 'reasoning':
      return { ...entry(item.id, 'thought', item.text ?? ''), state };
    case 'file_change':
      return { ...entry(item.id, 'files', fileNames(item)), state };
    case 'command_execution':
      return {
        ...entry(item.id, 'command', bareCommand(item.command ?? '')),
        output: endOf(item.aggregated_output ?? ''),
        state,
      };
    case 'mcp_tool_call':
      return { ...entry(item.id, 'tool', `${item.server ?? ''} ${item.tool ?? ''}`), state };
    case 'error':
      return { ...entry(item.id, 'trouble', plainCause(item.message ?? '')), state: 'failed' };
    default:
      return null;
  }
}

const hasFailed = ({ exit_code: code, status }: CodexItem) =>
  status === 'failed' || status === 'declined' || (typeof code === 'number' && code !== 0);

const entry = (id: string, kind: LogEntry['kind'], text: string): LogEntry => ({
  id,
  kind,
  text: plainText(text, TEXT_CHARACTERS),
  output: '',
  state: 'done',
});

function endOf(output: string): string {
  const end = output.length > OUTPUT_CHARACTERS ? `…${output.slice(-OUTPUT_CHARACTERS)}` : output;
  return plainText(end, 2 * OUTPUT_CHARACTERS);
}

const spent = (usage: { input_tokens: number; output_tokens: number } | undefined) =>
  usage === undefined ? '' : ` ${usage.input_tokens} tokens read, ${usage.output_tokens} written.`;
