/**
 * The part of the app-server's protocol that is used here, after `codex app-server generate-ts --experimental` of
 * Codex 0.169.0. test/app-server/protocol.test.ts has the pinned Codex generate its types again and compiles these
 * against them: what is sent must be accepted there, and what is read must be there.
 */

/** A request's method, what goes with it, and what it answers. Experimental is `thread/backgroundTerminals/clean`. */
export interface Requests {
  initialize: { params: InitializeParams; result: unknown };
  'thread/start': { params: ThreadStartParams; result: ThreadStarted };
  'thread/resume': { params: ThreadResumeParams; result: ThreadStarted };
  'thread/delete': { params: { threadId: string }; result: unknown };
  'thread/backgroundTerminals/clean': { params: { threadId: string }; result: unknown };
  'turn/start': { params: TurnStartParams; result: { turn: { id: string } } };
  'turn/interrupt': { params: { threadId: string; turnId: string }; result: unknown };
}

export interface InitializeParams {
  clientInfo: { name: string; title: string | null; version: string };
  capabilities: {
    experimentalApi: boolean;
    requestAttestation: boolean;
    optOutNotificationMethods: string[];
  };
}

interface ThreadSettings {
  cwd: string;
  model: string | null;
  approvalPolicy: 'never';
  sandbox: 'read-only';
  /** Configuration of this thread alone; keys may be dotted paths. */
  config: Record<string, string | boolean | string[] | Record<string, string>>;
}

export type ThreadStartParams = ThreadSettings & { ephemeral: boolean };
export type ThreadResumeParams = ThreadSettings & { threadId: string; excludeTurns: boolean };

export interface ThreadStarted {
  /** `path` is the rollout: the file that holds the conversation. */
  thread: { id: string; path: string | null };
}

export interface TurnStartParams {
  threadId: string;
  input: { type: 'text'; text: string; text_elements: never[] }[];
  effort: string | null;
  sandboxPolicy: {
    type: 'workspaceWrite';
    writableRoots: string[];
    networkAccess: boolean;
    excludeTmpdirEnvVar: boolean;
    excludeSlashTmp: boolean;
  };
}

/** A notification about a thread: its method and what it brings. */
export type ThreadNotification =
  | { method: 'turn/started'; params: { threadId: string } }
  | { method: 'turn/completed'; params: { threadId: string; turn: Turn } }
  | { method: 'item/started' | 'item/completed'; params: { threadId: string; item: ThreadItem } }
  | { method: 'thread/tokenUsage/updated'; params: { threadId: string; tokenUsage: { total: TokenUsage } } }
  | { method: 'error'; params: { threadId: string; error: TurnError } }
  | { method: 'warning'; params: { threadId: string | null; message: string } };

export interface Turn {
  id: string;
  status: 'completed' | 'interrupted' | 'failed' | 'inProgress';
  error: TurnError | null;
}

export interface TurnError {
  message: string;
  codexErrorInfo: unknown;
}

export interface TokenUsage {
  inputTokens: number;
  cachedInputTokens: number;
  outputTokens: number;
  reasoningOutputTokens: number;
}

type Status = 'inProgress' | 'completed' | 'failed' | 'declined';

/** The kinds of item that are read; there are others. */
export type ThreadItem =
  | { type: 'agentMessage'; id: string; text: string }
  | { type: 'reasoning'; id: string; summary: string[] }
  | {
      type: 'commandExecution';
      id: string;
      command: string;
      status: Status;
      aggregatedOutput: string | null;
      exitCode: number | null;
    }
  | { type: 'fileChange'; id: string; changes: { path: string; kind: { type: string } }[]; status: Status }
  | { type: 'mcpToolCall'; id: string; server: string; tool: string; status: Status };

/** Notifications that nobody reads: most of what an app-server says. */
export const UNREAD = [
  'account/rateLimits/updated',
  'item/agentMessage/delta',
  'item/commandExecution/outputDelta',
  'item/commandExecution/terminalInteraction',
  'item/fileChange/outputDelta',
  'item/fileChange/patchUpdated',
  'item/mcpToolCall/progress',
  'item/plan/delta',
  'item/reasoning/summaryPartAdded',
  'item/reasoning/summaryTextDelta',
  'item/reasoning/textDelta',
  'mcpServer/startupStatus/updated',
  'rawResponseItem/completed',
  'thread/readState/changed',
  'thread/settings/updated',
  'thread/started',
  'thread/status/changed',
  'turn/diff/updated',
  'turn/plan/updated',
];
