import type { Progress, Usage } from '../../machines/job.js';
import type { AgentConclusion, AgentExit, AgentReader } from './agent.js';
import { activityOf } from './codex-activity.js';
import { type CodexEvent, type CodexItem, parseEvent } from './codex-event.js';
import { exitFailure, isSandboxFailure, tellsSandboxFailure, turnFailure } from './codex-failures.js';
import { killedBy } from './exit-status.js';
import { plainCause, plainLine, plainText } from './plain-text.js';

const ACTIVITY_CHARACTERS = 120;
const SUMMARY_CHARACTERS = 16_384;
const MESSAGE_CHARACTERS = 256 * 1024;
const MOST_WARNINGS = 20;

type Turn = { state: 'none' | 'started' | 'completed' } | { state: 'failed'; message: string; info: unknown };

/** Reads the events of `codex exec --json` from a fresh thread, one turn. */
export class CodexReader implements AgentReader {
  #turn: Turn = { state: 'none' };
  #events = 0;
  #lastEventAt: number | null = null;
  /** As the agent worded it, until somebody asks: few of thousands of events are ever shown. */
  #activity: string | null = null;
  #usage: Usage | null = null;
  #threadId: string | null = null;
  #summary: string | null = null;
  #message: string | null = null;
  /** The last `error` event. Codex writes one for each retry too, so it is no ending by itself. */
  #trouble: string | null = null;
  #unreadableLines = 0;
  readonly #warnings = new Set<string>();
  /** Ids of commands and tool calls that have begun and not ended. */
  readonly #underWay = new Set<string>();
  /** What the commands so far tell of the sandbox; one that ran proves it. */
  #sandbox: 'unknown' | 'works' | 'fails' = 'unknown';

  line(line: string, at: number): void {
    if (line.trim() === '') return;
    const event = parseEvent(line);
    if (event === null) {
      this.#unreadableLines += 1;
      return;
    }
    this.#events += 1;
    this.#lastEventAt = at;
    this.#activity = activityOf(event) ?? this.#activity;
    this.#take(event);
  }

  progress(): Progress {
    if (this.#activity !== null) this.#activity = plainLine(this.#activity, ACTIVITY_CHARACTERS);
    return {
      events: this.#events,
      lastEventAt: this.#lastEventAt,
      activity: this.#activity,
      usage: this.#usage,
    };
  }

  mayBeSilent(): boolean {
    return this.#underWay.size > 0;
  }

  turnHasEnded(): boolean {
    return this.#turn.state === 'completed' || this.#turn.state === 'failed';
  }

  lastMessage(): string | null {
    return this.#message;
  }

  conclude(exit: AgentExit): AgentConclusion {
    return {
      failure: this.#failure(exit),
      summary: this.#summary,
      threadId: this.#threadId,
      usage: this.#usage,
      warnings: this.#allWarnings(),
    };
  }

  #take(event: CodexEvent): void {
    switch (event.type) {
      case 'thread.started':
        this.#threadId = event.thread_id ?? null;
        return;
      case 'turn.started':
        this.#turn = { state: 'started' };
        return;
      case 'turn.completed':
        this.#endTurn({ state: 'completed' });
        this.#usage = usageOf(event);
        return;
      case 'turn.failed':
        this.#endTurn({ state: 'failed', message: event.error?.message ?? '', info: event.error?.info });
        return;
      case 'error':
        this.#trouble = event.message ?? null;
        return;
      default:
        if (event.item !== undefined) this.#takeItem(event.item, event.type);
    }
  }

  /** What still runs when the turn ends is ended with it. */
  #endTurn(turn: Turn): void {
    this.#turn = turn;
    this.#underWay.clear();
  }

  #takeItem(item: CodexItem, eventType: string): void {
    const completed = eventType === 'item.completed';
    switch (item.type) {
      case 'command_execution':
      case 'mcp_tool_call':
        if (completed) this.#underWay.delete(item.id);
        else this.#underWay.add(item.id);
        if (completed && item.type === 'command_execution') this.#judgeSandbox(item);
        return;
      case 'file_change':
        if (item.status === 'completed') this.#sandbox = 'works';
        return;
      case 'agent_message':
        this.#message = (item.text ?? '').length > MESSAGE_CHARACTERS ? null : (item.text ?? null);
        this.#summary = plainText(item.text ?? '', SUMMARY_CHARACTERS) || this.#summary;
        return;
      case 'error':
        this.#warn(item.message ?? '');
    }
  }

  /** A declined command was never tried. */
  #judgeSandbox(item: CodexItem): void {
    if (item.status === 'declined' || this.#sandbox === 'works') return;
    const failed = item.exit_code !== 0 && isSandboxFailure(item.aggregated_output ?? '');
    this.#sandbox = failed ? 'fails' : 'works';
  }

  /**
   * The cause comes from the turn's last event, the exit status and standard error; never from what commands
   * print or the agent says, which can hold any word.
   */
  #failure(exit: AgentExit): AgentConclusion['failure'] {
    if (this.#turn.state === 'failed')
      return turnFailure(
        this.#turn.message || (this.#trouble ?? ''),
        this.#lastEventAt ?? 0,
        this.#turn.info,
      );
    const killed = killedBy(exit);
    const ended = killed !== null || exit.status === 0;
    // Who kills Codex after its turn takes nothing of that back.
    if (ended && this.#turn.state === 'completed')
      return this.#sandboxFailed(exit.stderr) ? sandboxFailure() : null;
    if (killed !== null)
      return { code: 'agent_killed', message: plainCause(`Codex ${killed}.${this.#lastTrouble()}`) };
    if (exit.status !== 0) {
      return exitFailure(exit.status ?? 1, exit.stderr, this.#turn.state !== 'none');
    }
    const message = `Codex ended without telling how its turn went.${this.#lastTrouble()}`;
    return { code: 'agent_exited', message: plainCause(message) };
  }

  /** Codex completes a turn even if its sandbox let no command run. */
  #sandboxFailed(stderr: string): boolean {
    return this.#sandbox === 'fails' || (this.#sandbox === 'unknown' && tellsSandboxFailure(stderr));
  }

  #lastTrouble(): string {
    return this.#trouble === null ? '' : ` Its last error: ${this.#trouble}`;
  }

  #warn(text: string): void {
    if (text !== '' && this.#warnings.size < MOST_WARNINGS) this.#warnings.add(plainCause(text));
  }

  #allWarnings(): string[] {
    const unreadable = this.#unreadableLines;
    const counted = unreadable === 0 ? [] : [`Lines of Codex's output that were no events: ${unreadable}.`];
    return [...this.#warnings, ...counted];
  }
}

const sandboxFailure = () => ({
  code: 'sandbox_unavailable' as const,
  message: "Codex's sandbox could not be started, so none of the agent's commands ran.",
});

/** Tokens in our words. */
export function usageOf({ usage }: Pick<CodexEvent, 'usage'>): Usage | null {
  if (usage === undefined) return null;
  return {
    inputTokens: usage.input_tokens,
    cachedInputTokens: usage.cached_input_tokens,
    outputTokens: usage.output_tokens,
    reasoningOutputTokens: usage.reasoning_output_tokens,
  };
}
