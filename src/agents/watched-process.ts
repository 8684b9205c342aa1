import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

export interface ProcessPlace {
  environment: Record<string, string>;
  directory: string;
}

/**
 * A POSIX `sh` program: runs the command that its arguments are, and ends as that does. A watcher waits meanwhile for the
 * end of file 3, and then ends the process group. Nobody writes there: it ends with the process that holds the other end.
 */
const watchedScript = `
exec 4<&0
"$@" <&4 3<&- 4<&- &
program=$!
{ read -r _; kill -KILL 0; } <&3 4<&- >/dev/null 2>&1 &
watcher=$!
wait "$program"
status=$?
{ kill -KILL "$watcher"; wait "$watcher"; } 2>/dev/null
exit "$status"
`;

/** Starts a program that ends with this process, also where that is killed, in a process group of its own. */
export function startWatched(
  program: string,
  parameters: readonly string[],
  { environment, directory }: ProcessPlace,
): ChildProcessWithoutNullStreams {
  return spawn('/bin/sh', ['-c', watchedScript, 'sh', program, ...parameters], {
    cwd: directory,
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
  }) as ChildProcessWithoutNullStreams;
}

/**
 * A POSIX `sh` program: removes a directory when its standard input ends, and those who write there have ended of it
 * too.
 */
const removingScript = `
read -r _
sleep 1
rm -rf -- "$1"
`;

/**
 * Has a directory removed when this process ends, also where that is killed. The answer calls that off, for whoever has
 * removed it.
 */
export function removeAtEnd(directory: string, environment: Record<string, string>): () => void {
  const remover = spawn('/bin/sh', ['-c', removingScript, 'sh', directory], {
    cwd: '/',
    env: environment,
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // On a machine that is short of processes a look is made all the same.
  remover.once('error', () => undefined);
  return () => endGroup(remover.pid);
}

/** Ends a process group, named by its leader; one that is gone already is none. */
export function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}
