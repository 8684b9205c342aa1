/** One question about speed, and how it is answered. One file a scenario; `scenarios.ts` lists them. */
export interface Scenario {
  /** One word, for the command line. */
  name: string;
  /** What is measured, in one line. */
  title: string;
  /** How it is measured, and what stands beside it. */
  describe: string;
  /** Why a target is missed on a common machine, where that is known. */
  whyNotReached?: string;
  /** What its profile led to, for readers of the profile. */
  whatProfileLedTo?: string;
  /** There where `--repository` changes nothing: the scenario makes its own, or needs none. */
  ownRepository?: true;
  run(context: Context): Promise<Result>;
}

/** What the harness gives a scenario. */
export interface Context {
  /** Small numbers: a check that the scenario works, not a measurement. */
  quick: boolean;
  /** Rounds of everything that is compared. */
  runs: number;
  /** Numbers from 0 up to 1, the same for the same seed. */
  random(): number;
  /** What was measured so far: it is kept should the scenario fail later. */
  measurements: Measurement[];
  /** A private directory, removed at the end. */
  directory: string;
  /** The user's own repository to take the jobs' repository from; null for a generated one. */
  repository: string | null;
  /** The user's own agent, for `sh -c`; null for one that costs nothing. */
  agent: string | null;
  /** Command line of another MCP server to put beside ours. */
  peer: string | null;
  /** Where CPU profiles go. */
  profile: string | null;
  /** Tells the user what goes on. */
  tell(text: string): void;
  /** Has something ended or removed when the scenario is over, however it ends; last asked is first done. */
  atEnd(cleanUp: () => unknown): void;
  /** Aborted when the scenario is to end early. */
  signal: AbortSignal;
}

export interface Result {
  measurements: readonly Measurement[];
  /** What a reader of the figures must know. */
  notes?: readonly string[];
}

export type Unit = 'ms' | '/s' | 'MB' | 'KB' | '%' | 'count';

export interface Measurement {
  name: string;
  unit: Unit;
  better: 'lower' | 'higher';
  /** One number a round, or one an event. */
  samples: readonly number[];
  /** What was measured beside it, in the same rounds and the same order. */
  beside?: { name: string; samples: readonly number[] };
  targets?: readonly Target[];
}

/** A bound on a quantile, or on the median of the ratio to what stands beside. */
export interface Target {
  of: 'p50' | 'p99' | 'max' | 'ratio';
  is: 'at most' | 'at least';
  bound: number;
}
