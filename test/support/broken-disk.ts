import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';

/** False where the system calls of a process can be made to fail, else why not: the `skip` of a test. */
export function noBrokenDisk(): string | false {
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'There is no strace on this machine, or it may not trace.';
  }
}

/**
 * Has these system calls of a process on a file fail with EIO, as they do on a broken disk, until the answered
 * function is called.
 */
export async function breakDisk(pid: number, path: string, calls: string): Promise<() => Promise<void>> {
  const words = ['-f', '-p', String(pid), '-P', path, '-e', `inject=${calls}:error=EIO`, '-o', '/dev/null'];
  const strace = spawn('strace', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(strace, 'exit');
  let said = '';
  strace.stderr.setEncoding('utf8');
  for await (const chunk of strace.stderr.iterator({ destroyOnReturn: false })) {
    said += chunk;
    if (said.includes('attached')) break;
  }
  strace.stderr.resume();
  return async () => {
    strace.kill('SIGINT');
    await ended;
  };
}
