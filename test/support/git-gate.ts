import { access, chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * A `git` that stops before one of its commands until the test opens the gate: for tests that need a job to
 * be in the middle of a stage.
 */
export interface GitGate {
  /** Put before the others on PATH. */
  directory: string;
  /** Resolves once git has come to the gate. */
  reached(): Promise<void>;
  open(): Promise<void>;
}

/** `command` is the git command to stop at, for example `read-tree`. */
export async function makeGitGate(root: string, command: string): Promise<GitGate> {
  const directory = join(root, 'gate');
  await mkdir(directory);
  const program = join(directory, 'git');
  await writeFile(
    program,
    `#!/bin/sh
case " $* " in
  *" ${command} "*) : >"${directory}/reached"; while [ ! -e "${directory}/open" ]; do sleep 0.02; done ;;
esac
PATH=/usr/local/bin:/usr/bin:/bin exec git "$@"
`,
  );
  await chmod(program, 0o700);
  return {
    directory,
    reached: () => appears(directory, 'reached'),
    open: () => writeFile(join(directory, 'open'), ''),
  };
}

/** Resolves once a file is there. Looks by itself: a user has few watches, and tests in parallel use them up. */
export async function appears(directory: string, name: string): Promise<void> {
  const isThere = () =>
    access(join(directory, name)).then(
      () => true,
      () => false,
    );
  while (!(await isThere())) await delay(10);
}
