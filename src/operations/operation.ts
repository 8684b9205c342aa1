import type { z } from 'zod';
import type { Account, Readiness } from '../agents/agent.js';
import type { Settings } from '../config.js';
import type { Outcome } from '../errors.js';
import type { Preview } from '../git/preview.js';
import type { SubmitRequest, Supervisor } from '../job/supervisor.js';

/**
 * A verb that a client may call: one schema, one handler, rendered as an MCP tool and as a CLI subcommand.
 * It does not know which of them called it.
 */
export interface Operation<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  /** Name of the MCP tool. */
  tool: string;
  /** Name of the CLI subcommand. */
  command: string;
  title: string;
  description: string;
  /** A strict object at the top: unknown arguments are refused. */
  input: Input;
  output: Output;
  annotations: {
    readOnlyHint: boolean;
    destructiveHint: boolean;
    idempotentHint: boolean;
    openWorldHint: boolean;
  };
  handle(input: z.infer<Input>, call: Call): Promise<Outcome<z.infer<Output>>>;
}

/** Keeps the types of one operation while it is defined. */
export const defineOperation = <Input extends z.ZodType, Output extends z.ZodType>(
  operation: Operation<Input, Output>,
): Operation<Input, Output> => operation;

/** What the daemon offers to every call. */
export interface House {
  settings: Settings;
  supervisor: Supervisor;
  /** The last preflight if it is fresh, else a new one; never rejects. */
  preflight(): Promise<Outcome<Readiness>>;
  /** What the user's account offers, at most a minute old; never rejects. */
  account(): Promise<Outcome<Account>>;
  /** Looks what a job would start from; writes nothing of the caller's, and never rejects. */
  preview(submission: SubmitRequest['submission']): Promise<Outcome<Preview>>;
  /** Refuses when the state directory's disk is nearly full. */
  checkDisk(): Promise<Outcome<null>>;
  /** Paths of damaged stores that were set aside, and that nobody has removed since. */
  damagedStores(): Promise<string[]>;
  /** Keys of the settings that this client would start a daemon with, and that this one has otherwise. */
  differingSettings(variables: Readonly<Record<string, string>>): Outcome<string[]>;
  /** True once a stop was asked for: no new work is accepted. */
  draining(): boolean;
  /** Somebody looks on: the daemon is of use. */
  called(): void;
  /** A call came. Counts it as under way until the returned function is called. */
  begin(): () => void;
  version: string;
  startedAt: number;
  /** Where MCP is served over HTTP, once that is known; null where it is not. */
  httpUrl(): Promise<string | null>;
  /** Instants come from here, so that tests can set them. */
  now(): number;
}

/** Who is behind a call. */
export interface Origin {
  /** Clients take turns and have limits of their own: a token's name, a bridge, or the program behind a command. */
  client: string;
  /** The job whose agent calls, if one does. */
  parentJobId: string | null;
  /** The client's variables `OFFSHOOT_…`; missing where no daemon would be started with them. */
  variables?: Readonly<Record<string, string>>;
}

/** One call of an operation, by one client. */
export interface Call {
  house: House;
  origin: Origin;
  /** Directory to take when the caller names none: the client's first root, else where the client runs. */
  defaultWorkspace(): Promise<string | null>;
  /** Aborted when the caller went away or cancelled the call. It ends a wait, never a job. */
  signal: AbortSignal;
  /**
   * Tells that the call only waits until the returned function is called, and so holds up no other of its client.
   * Null where so many wait that this one should not.
   */
  rest(): (() => void) | null;
  /** Whether the caller asked to hear how a long call is going. */
  listens: boolean;
  /** Tells the caller; does nothing when it did not ask. */
  report(message: string): void;
}
