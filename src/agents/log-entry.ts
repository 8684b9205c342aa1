/** One thing that an agent did, for people. An entry with the id of an earlier one takes its place. */
export interface LogEntry {
  id: string;
  kind: 'command' | 'message' | 'files' | 'thought' | 'tool' | 'trouble' | 'turn' | 'output';
  text: string;
  /** What a command printed: its end. */
  output: string;
  state: 'underway' | 'done' | 'failed';
}
