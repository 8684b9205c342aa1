import { limitTime } from '../time-limit.js';
import { endGroup, type ProcessPlace, startWatched } from './watched-process.js';

/** What a short look at a program gave. */
export interface Probe {
  /** Null when it was killed or could not be started. */
  status: number | null;
  /** Standard output and standard error together, its first 65,536 characters. */
  output: string;
}

const MOST_MILLISECONDS = 10_000;
const MOST_CHARACTERS = 65_536;

export interface ProbeOptions extends ProcessPlace {
  signal: AbortSignal;
}

/**
 * Runs a program for at most 10 s, with nothing on standard input; never rejects. Its process group is ended with it:
 * a process left behind would hold the pipes open, and live on.
 */
export function probe(program: string, parameters: string[], options: ProbeOptions): Promise<Probe> {
  return new Promise((resolve) => {
    const child = startWatched(program, parameters, options);
    child.stdin.destroy();
    let output = '';
    const collect = (chunk: string) => {
      output = (output + chunk).slice(0, MOST_CHARACTERS);
    };
    const streams = [child.stdout, child.stderr];
    for (const stream of streams) stream.setEncoding('utf8').on('data', collect);

    const limit = limitTime(options.signal, MOST_MILLISECONDS);
    const giveUp = () => {
      endGroup(child.pid);
      for (const stream of streams) stream.destroy();
    };
    const end = (status: number | null) => {
      limit.release();
      resolve({ status, output });
    };
    child.once('error', () => end(null));
    child.once('exit', () => endGroup(child.pid));
    child.once('close', end);
    if (limit.signal.aborted) giveUp();
    else limit.signal.addEventListener('abort', giveUp);
  });
}
