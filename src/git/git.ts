import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeWaitedFor } from './pipe-waits.js';
import { removeFile } from './remove-file.js';
import { takeShell } from './shell.js';
import { type Take, telling } from './shell-output.js';

/** Where and how git runs: a directory, the whole environment (`environment.ts`), and what stops it. */
export interface GitContext {
  directory: string;
  environment: Record<string, string>;
  signal: AbortSignal;
  /** Words before git, that run it. */
  wrapper?: readonly string[];
}

export interface GitFailure {
  ok: false;
  cause: 'exit' | 'stopped' | 'timeout' | 'not_found' | 'output_too_large' | 'held_by_pipe';
  exitCode: number | null;
  /** Path of the named pipe that held git, as git gave it; empty where the system does not tell. */
  pipe?: string;
  /** The first 64 KiB of standard error. */
  stderr: string;
}

/** A success may have words on standard error too. */
export type GitResult = { ok: true; stdout: Buffer; stderr: string } | GitFailure;

/**
 * Of the largest that it is right to need: 3.5 GiB for the patch of a changed file of 1 GiB, 0.6 GiB in a repository of a
 * million files. What it reads through maps, as packs, does not count.
 */
export const MAX_MEMORY_GIB = 4;
const TIMEOUT_MS = 15 * 60_000;
const PIPE_LOOK_MS = 2_000;
const MAX_STDOUT_BYTES = 512 * 1024 * 1024;
const MAX_STDERR_BYTES = 64 * 1024;
/** What a shell answers when there is no such program. */
const NOT_FOUND = 127;

/**
 * Runs git once and gives its standard output whole, at most 512 MiB. Nothing of this process's environment reaches
 * git. It is stopped by the context's signal, after 15 minutes, or within seconds where a named pipe in the place of a
 * file holds it, and fails where it needs more memory than 4 GiB, as for a file without end. `input` is for commands
 * with a GIT_DIR of ours only.
 */
export async function runGit(
  context: GitContext,
  args: readonly string[],
  input?: Buffer,
): Promise<GitResult> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const result = await streamGit(
    context,
    args,
    (chunk) => {
      bytes += chunk.length;
      chunks.push(chunk);
      return bytes <= MAX_STDOUT_BYTES;
    },
    input,
  );
  return result.ok ? { ...result, stdout: Buffer.concat(chunks) } : result;
}

/** Runs git like `runGit`, handing on its output as it comes. `take` answers false to have git ended. */
export async function streamGit(
  context: GitContext,
  args: readonly string[],
  take: Take,
  input?: Buffer,
): Promise<{ ok: true; stderr: string } | GitFailure> {
  if (context.signal.aborted) return { ok: false, cause: 'stopped', exitCode: null, stderr: '' };
  const { directory, environment, signal, wrapper = [] } = context;
  const inputFile = input === undefined ? undefined : writeInput(environment, input);
  const shell = takeShell();
  let ended: GitFailure['cause'] | null = null;
  let pipe: string | null = null;
  const end = (cause: GitFailure['cause']) => {
    ended ??= cause;
    shell.kill();
  };
  const stop = () => end('stopped');
  signal.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(end, TIMEOUT_MS, 'timeout');
  const look = setInterval(() => {
    pipe = shell.pid === undefined ? null : pipeWaitedFor(shell.pid);
    if (pipe !== null) end('held_by_pipe');
  }, PIPE_LOOK_MS);
  const errors = new Beginning(MAX_STDERR_BYTES);
  try {
    const { status, systemCode } = await shell.run(
      {
        words: [...wrapper, 'git', '--no-pager', ...args],
        directory,
        environment,
        maxMemoryBytes: MAX_MEMORY_GIB * 1024 ** 3,
        ...(inputFile === undefined ? {} : { inputFile }),
      },
      telling(take, () => end('output_too_large')),
      (chunk) => errors.take(chunk),
    );
    if (status === 0 && ended === null) return { ok: true, stderr: errors.text() };
    const neverStarted = status === NOT_FOUND && existsSync(directory);
    const cause = ended ?? (neverStarted ? 'not_found' : 'exit');
    // A shell that could not be started says nothing; the system's code does.
    const stderr = errors.text() || systemCode;
    return { ok: false, cause, exitCode: status, stderr, ...(pipe === null ? {} : { pipe }) };
  } finally {
    clearTimeout(timer);
    clearInterval(look);
    signal.removeEventListener('abort', stop);
    if (inputFile !== undefined) removeFile(inputFile);
    shell.rest();
  }
}

/** Beside the git directory's own files: so it goes where they go, however this process ends. */
function writeInput(environment: Readonly<Record<string, string>>, input: Buffer): string {
  const { GIT_DIR } = environment;
  if (GIT_DIR === undefined) throw new Error('Only git in a directory of ours takes input.');
  const file = join(GIT_DIR, `input-${randomUUID()}`);
  writeFileSync(file, input);
  return file;
}

/** Keeps the beginning of what is written, and lets the rest pass, so that its writer never waits. */
class Beginning {
  private readonly chunks: Buffer[] = [];
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  take(chunk: Buffer): true {
    if (this.bytes < this.maxBytes) this.chunks.push(chunk);
    this.bytes += chunk.length;
    return true;
  }

  text(): string {
    return Buffer.concat(this.chunks).subarray(0, this.maxBytes).toString('utf8');
  }
}
