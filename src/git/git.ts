import { existsSync } from 'node:fs';
import { execa } from 'execa';

/** Where and how git runs: a directory, the whole environment (`environment.ts`), and what stops it. */
export interface GitContext {
  directory: string;
  environment: Record<string, string>;
  signal: AbortSignal;
}

export interface GitFailure {
  ok: false;
  cause: 'exit' | 'stopped' | 'timeout' | 'not_found' | 'output_too_large';
  exitCode: number | null;
  /** The first 64 KiB of standard error. */
  stderr: string;
}

/** A success may have words on standard error too. */
export type GitResult = { ok: true; stdout: Buffer; stderr: string } | GitFailure;

const TIMEOUT_MS = 15 * 60_000;
const MAX_STDOUT_BYTES = 512 * 1024 * 1024;
const MAX_STDERR_BYTES = 64 * 1024;

/**
 * Runs git once and gives its standard output whole, at most 512 MiB. No shell is between, and nothing of
 * this process's environment reaches git. It is stopped by the context's signal, or after 15 minutes.
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
    async (chunk) => {
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
  take: (chunk: Buffer) => Promise<boolean>,
  input?: Buffer,
): Promise<{ ok: true; stderr: string } | GitFailure> {
  if (context.signal.aborted) return { ok: false, cause: 'stopped', exitCode: null, stderr: '' };
  const git = execa('git', ['--no-pager', ...args], {
    cwd: context.directory,
    env: context.environment,
    extendEnv: false,
    encoding: 'buffer',
    buffer: false,
    reject: false,
    // A process group of its own, so that a filter that git started ends with it.
    detached: true,
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
  });
  let ended: GitFailure['cause'] | null = null;
  const end = (cause: GitFailure['cause']) => {
    ended ??= cause;
    killGroup(git.pid);
  };
  const stop = () => end('stopped');
  context.signal.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(end, TIMEOUT_MS, 'timeout');
  const stderr = collect(git.stderr);
  if (!(await takeAll(git.stdout, take))) end('output_too_large');
  const result = await git;
  clearTimeout(timer);
  context.signal.removeEventListener('abort', stop);
  if (!result.failed && ended === null) return { ok: true, stderr: stderr() };
  const neverStarted = result.code === 'ENOENT' && existsSync(context.directory);
  const cause = ended ?? (neverStarted ? 'not_found' : 'exit');
  // A git that could not be started says nothing; the system's code does.
  return { ok: false, cause, exitCode: result.exitCode ?? null, stderr: stderr() || (result.code ?? '') };
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

/** False when `take` had enough before the end. A broken pipe is told by the exit status, not here. */
async function takeAll(
  output: AsyncIterable<Buffer> | null | undefined,
  take: (chunk: Buffer) => Promise<boolean>,
): Promise<boolean> {
  if (!output) return true;
  const chunks = output[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<Buffer>;
    try {
      next = await chunks.next();
    } catch {
      return true;
    }
    if (next.done) return true;
    if (await take(next.value)) continue;
    await chunks.return?.();
    return false;
  }
}

/** Reads a stream to its end, so that its writer never waits, and keeps the beginning. */
function collect(stream: NodeJS.ReadableStream | null | undefined): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (bytes >= MAX_STDERR_BYTES) return;
    bytes += chunk.length;
    chunks.push(chunk);
  });
  stream?.on('error', () => {});
  return () => Buffer.concat(chunks).subarray(0, MAX_STDERR_BYTES).toString('utf8');
}
