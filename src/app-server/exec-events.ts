import type { ThreadItem, ThreadNotification, TokenUsage, Turn } from './protocol.js';

/**
 * Turns what an app-server tells of a thread into the events of `codex exec --json`, so that whoever reads an
 * attempt's output need not know how it ran. The failure of a turn has one field more: `info`, the error as a value.
 */
export class ExecEvents {
  #usage: TokenUsage | null = null;

  /** The event, or null where `exec` has none. A newer Codex may tell things in another form: those are passed over. */
  of(notification: ThreadNotification): object | null {
    try {
      return this.#eventOf(notification);
    } catch {
      return null;
    }
  }

  #eventOf(notification: ThreadNotification): object | null {
    switch (notification.method) {
      case 'turn/started':
        return { type: 'turn.started' };
      case 'turn/completed':
        return this.#endOf(notification.params.turn);
      case 'item/started':
        return itemEvent('item.started', notification.params.item);
      case 'item/completed':
        return itemEvent('item.completed', notification.params.item);
      case 'thread/tokenUsage/updated':
        this.#usage = notification.params.tokenUsage.total;
        return null;
      case 'error':
        return { type: 'error', message: notification.params.error.message };
      case 'warning':
        return {
          type: 'item.completed',
          item: { id: 'warning', type: 'error', message: notification.params.message },
        };
      default:
        return null;
    }
  }

  #endOf({ status, error }: Turn): object | null {
    if (status === 'completed') return { type: 'turn.completed', usage: usageOf(this.#usage) };
    if (status === 'failed') return turnFailed(error?.message ?? '', error?.codexErrorInfo);
    return null;
  }
}

export const threadStarted = (threadId: string) => ({ type: 'thread.started', thread_id: threadId });

export const turnFailed = (message: string, info: unknown = null) => ({
  type: 'turn.failed',
  error: { message, info },
});

function itemEvent(type: 'item.started' | 'item.completed', item: ThreadItem): object | null {
  const told = execItem(item);
  if (told === null) return null;
  // As `exec` does: what is said or thought is told once, when it is whole.
  const onlyWhole = item.type === 'agentMessage' || item.type === 'reasoning';
  return type === 'item.started' && onlyWhole ? null : { type, item: told };
}

function execItem(item: ThreadItem): object | null {
  const { id } = item;
  switch (item.type) {
    case 'agentMessage':
      return { id, type: 'agent_message', text: item.text };
    case 'reasoning':
      return { id, type: 'reasoning', text: item.summary.join('\n') };
    case 'commandExecution':
      return {
        id,
        type: 'command_execution',
        command: item.command,
        aggregated_output: item.aggregatedOutput ?? '',
        exit_code: item.exitCode,
        status: statusOf(item.status),
      };
    case 'fileChange':
      return {
        id,
        type: 'file_change',
        changes: item.changes.map(({ path, kind }) => ({ path, kind: kind.type })),
        status: statusOf(item.status),
      };
    case 'mcpToolCall':
      return {
        id,
        type: 'mcp_tool_call',
        server: item.server,
        tool: item.tool,
        status: statusOf(item.status),
      };
    default:
      return null;
  }
}

const statusOf = (status: string) => (status === 'inProgress' ? 'in_progress' : status);

const usageOf = (usage: TokenUsage | null) =>
  usage === null
    ? undefined
    : {
        input_tokens: usage.inputTokens,
        cached_input_tokens: usage.cachedInputTokens,
        output_tokens: usage.outputTokens,
        reasoning_output_tokens: usage.reasoningOutputTokens,
      };
