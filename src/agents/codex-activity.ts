import { basename } from 'node:path';
import type { CodexEvent, CodexItem } from './codex-event.js';
import { plainLine } from './plain-text.js';

const MOST_CHARACTERS = 120;

/** What the agent does, in one line of at most 120 characters; null when the event tells nothing new. */
export function activityOf(event: CodexEvent): string | null {
  const activity = event.item === undefined ? turnActivity(event) : itemActivity(event.item, event.type);
  return activity === null ? null : plainLine(activity, MOST_CHARACTERS);
}

function turnActivity(event: CodexEvent): string | null {
  if (event.type === 'turn.started') return 'thinks';
  if (event.type === 'error') return `meets an error: ${event.message ?? ''}`;
  return null;
}

function itemActivity(item: CodexItem, eventType: string): string | null {
  switch (item.type) {
    case 'agent_message':
      return `says: ${item.text ?? ''}`;
    case 'file_change':
      return `edits ${fileNames(item)}`;
    case 'command_execution':
      return whileRunning(eventType, `runs ${bareCommand(item.command ?? '')}`);
    case 'mcp_tool_call':
      return whileRunning(eventType, `calls ${item.server ?? ''} ${item.tool ?? ''}`);
    case 'reasoning':
      return 'thinks';
    default:
      return null;
  }
}

/** Once a command has ended, it is the model's turn again. */
const whileRunning = (eventType: string, activity: string) =>
  eventType === 'item.completed' ? 'thinks' : activity;

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
