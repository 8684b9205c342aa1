import type { ProcessLayout } from '../job/layout.js';

/** What a stage asks of a host: one line of JSON over its socket, and one line back. */
export type HostRequest =
  /** Run this attempt, if there is room. */
  | { type: 'take'; job: HostedJob }
  /** End the attempt whose files lie there: politely, and after the grace for good. */
  | { type: 'stop'; directory: string; graceMs: number };

/** `taken` is true once the attempt's files name the host: then it is the host's, whoever asked. */
export type HostAnswer = { taken: boolean };

/** One attempt at a job's task, with all that a host has to know to run it in a thread of its app-server. */
export interface HostedJob {
  jobId: string;
  files: ProcessLayout;
  /** Where the agent works: the checkout, or a directory of it. */
  directory: string;
  /** What its commands may write: the checkout and its `TMPDIR`. */
  writable: string[];
  /** The job's home of Codex: keeps the conversation, for a later attempt of whatever backend. */
  home: string;
  /** The conversation to go on in; null to begin one. */
  threadId: string | null;
  input: string;
  model: string | null;
  effort: string | null;
  /** Variables that its commands get, over those of the app-server. */
  variables: Record<string, string>;
  /** Variables of the app-server that its commands must not get. */
  hidden: string[];
  /** Instant at which the host stops it, with or without a daemon. */
  deadlineAt: number;
}
