/** A subcommand of the command line. */
export interface Command {
  name: string;
  /** What stands after the name and the flags in the usage line, for example `JOB...`. */
  parameters: string;
  /** One sentence for the list of commands. */
  summary: string;
  /** More for the help of this command alone. */
  details?: string;
  /** How many words may stand beside the flags. */
  words: { atLeast: number; atMost: number };
  flags: readonly Flag[];
  /** Resolves with the exit code. */
  run(given: Given): Promise<number>;
}

export interface Flag {
  /** Without the dashes. */
  name: string;
  /** One letter that may stand for it, after one dash. */
  short?: string;
  /** Where its value goes. */
  key: string;
  /** A list is written as the flag once more for each of its values; a directory may be relative. */
  kind: 'text' | 'number' | 'switch' | 'list' | 'directory';
  /** What to write for the value in help. */
  placeholder: string;
  description: string;
}

export interface Given {
  words: readonly string[];
  /** By the flags' keys. */
  flags: Readonly<Record<string, string | number | true | readonly string[]>>;
}

export const jsonFlag: Flag = {
  name: 'json',
  key: 'json',
  kind: 'switch',
  placeholder: '',
  description: 'Print the answer as one JSON document.',
};
