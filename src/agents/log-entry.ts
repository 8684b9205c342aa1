/** One thing that an agent did, for people. An entry with the id of an earlier one takes its place. */
export interface LogEntry {
  id: string;
  kind: 'command' | 'message' | 'files' | 'thought' | 'tool' | 'trouble' | 'turn' | 'output';
  text: string;
  /** What a command printed: its end. */
  output: string;
  state: 'underway' | 'done' | 'failed';
}

/** Where a log goes on: an attempt, and the byte of its output that the next line begins at. */
export interface LogPlace {
  attempt: number;
  byte: number;
}

/** An entry, with the place behind it: who has it begins there when it comes again. */
export interface PlacedEntry extends LogEntry {
  next: LogPlace;
}
