import { basename } from 'node:path';
import type { CodexEvent, CodexItem } from './codex-event.js';

/** What the agent does, in the words of the event, of any length; null when it tells nothing new. */
export function activityOf(event: CodexEvent): string | null {
  return event.item === undefined ? turnActivity(event) : itemActivity(event.item, event.type);
}

function turnActivity(event: CodexEvent): string | null {
  if (event.type === 'turn.started') return 'thinks';
  if (event.type === 'error') return `meets an error: ${event.message ?? ''}`;
  return null;
}

function itemActivity(item: CodexItem, eventType: string): string | null {
  const ended = eventType === 'item.completed';
  switch (item.type) {
    case 'agent_message':
      return `says: ${item.text ?? ''}`;
    case 'file_change':
      return `edits ${fileNames(item)}`;
    // Once a command has ended, it is the model's turn again.
    case 'command_execution':
      return ended ? 'thinks' : `runs ${bareCommand(item.command ?? '')}`;
    case 'mcp_tool_call':
      return ended ? 'thinks' : `calls ${item.server ?? ''} ${item.tool ?? ''}`;
    case 'reasoning':
      return 'thinks';
    default:
      return null;
  }
}

export function fileNames(item: CodexItem): string {
  const [first, ...others] = (item.changes ?? []).map((change) => basename(change.path));
  return others.length === 0 ? (first ?? 'files') : `${first} and ${others.length} more`;
}

/** The command without the shell that Codex wraps around it. */
export function bareCommand(command: string): string {
  const wrapped = /^\S*sh -l?c (.*)$/s.exec(command)?.[1] ?? command;
  const quote = wrapped[0];
  if ((quote !== '"' && quote !== "'") || wrapped.at(-1) !== quote) return wrapped;
  return wrapped.slice(1, -1).replace(/\\(["\\$`])/g, '$1');
}
