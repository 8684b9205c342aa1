import { type ErrorCode, type Fault, refuse } from '../errors.js';
import { type GitFailure, MAX_MEMORY_GIB } from './git.js';

type Refusal = { ok: false; fault: Fault };

const MAX_WORDS = 400;
/**
 * What a shell answers for a program that was ended by SIGINT, SIGQUIT, SIGKILL or SIGTERM. No fault of git's: where memory
 * is short, the kernel does that, or a program that watches over it.
 */
const ENDED: readonly (number | null)[] = [130, 131, 137, 143];
/** What a disk answers that may be in order again, and one that is far away. */
const failingDisk = /Input\/output error|Read-only file system|Stale file handle|^E(IO|ROFS|STALE|TIMEDOUT)$/;

/** What a program says, or why it could not be started, when there is no process, file or memory left. */
const exhausted =
  /Too many open files|Resource temporarily unavailable|[Cc]annot (allocate memory|fork)|^E(AGAIN|MFILE|NFILE|NOMEM)$/;

/** True for the words, or the system's code, of a start that failed for want of a process, a file or memory. */
export const tellsExhaustion = (words: string): boolean => exhausted.test(words);

/** Says in our words why git failed. `code` is for what the table of errors has no own code for. */
export function explain(failure: GitFailure, code: ErrorCode, doing: string): Refusal {
  if (failure.cause === 'not_found') return refuse('git_not_found');
  if (failure.cause === 'stopped') return refuse(code, { message: `It was stopped while ${doing}.` });
  if (failure.cause === 'timeout')
    return refuse('machine_exhausted', { message: `git took too long while ${doing}.` });
  if (failure.cause === 'output_too_large') {
    return refuse(code, { message: `git wrote more than can be held while ${doing}: too many files.` });
  }
  if (failure.cause === 'held_by_pipe') {
    const place = failure.pipe ? JSON.stringify(failure.pipe) : 'One of the files that it reads';
    return refuse(code, {
      message: `${place} is a named pipe, which held git up while ${doing}; remove it and start the job again.`,
    });
  }
  if (/No space left on device|Out of diskspace|Disk quota exceeded/.test(failure.stderr))
    return refuse('disk_full');
  if (/Out of memory/.test(failure.stderr)) {
    // git says no more than that. By now it has given back what it had.
    if (process.availableMemory() < MAX_MEMORY_GIB * 1024 ** 3) {
      return refuse('machine_exhausted', {
        message: `The machine had too little memory for git while ${doing}: for a large file that it reads, or one without end.`,
      });
    }
    return refuse(code, {
      message: `git ran out of memory, of which it may have ${MAX_MEMORY_GIB} GiB at most, while ${doing}: a file that it reads is too large, or has no end, as a link to a device.`,
    });
  }
  if (failingDisk.test(failure.stderr)) return diskFails(doing);
  if (wasEnded(failure) || tellsExhaustion(failure.stderr)) return refuse('machine_exhausted');
  if (/dubious ownership|unsafe repository/.test(failure.stderr)) return refuse('repository_not_trusted');
  // While a patch is taken it is the slot's own git directory that is none any more.
  if (code === 'worktree_failed' && /not a git repository/.test(failure.stderr))
    return refuse('not_a_git_repo');
  if (/unable to (read|find)|missing (blob|tree)|invalid object|promisor|transport '/.test(failure.stderr)) {
    return refuse(code, {
      message:
        'Objects of the repository are missing, as in a partial clone. ' +
        'Fetch them with `git fetch --refetch --no-filter`, then start the job again.',
    });
  }
  return refuse(code, { message: `git failed while ${doing}: ${lastWords(failure)}` });
}

/** With its shell, it says nothing at all. */
const wasEnded = ({ exitCode, stderr }: GitFailure): boolean =>
  ENDED.includes(exitCode) || (exitCode === null && stderr === '');

const diskFails = (doing: string): Refusal =>
  refuse('disk_full', { message: `A disk could not be read or written while ${doing}.` });

/** The end of what git said, on one line and without control characters. */
function lastWords({ stderr, exitCode }: GitFailure): string {
  const words = stderr.replace(/[\x00-\x1f\x7f]+/g, ' ').trim();
  return words === '' ? `it exited with status ${exitCode ?? 'unknown'}.` : words.slice(-MAX_WORDS);
}

/** A full disk, a directory that vanished: tells the system's code only, for its message may hold paths. Rethrows a bug. */
export function explainSystemError(error: unknown, code: ErrorCode, doing: string): Refusal {
  const systemCode = (error as NodeJS.ErrnoException).code;
  if (systemCode === undefined || systemCode.startsWith('ERR_')) throw error;
  if (['ENOSPC', 'EDQUOT'].includes(systemCode)) return refuse('disk_full');
  if (failingDisk.test(systemCode)) return diskFails(doing);
  if (tellsExhaustion(systemCode)) return refuse('machine_exhausted');
  return refuse(code, { message: `The system refused while ${doing}: ${systemCode}.` });
}
