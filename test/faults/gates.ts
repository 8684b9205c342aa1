import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appears } from '../support/git-gate.js';

/** A `git` that waits before some of its commands while the test holds their gate. */
export interface Gates {
  /** Put before the others on PATH. */
  directory: string;
  /** From now on git waits before that command. */
  hold(command: string): Promise<void>;
  /** Resolves once a git waits before that command. */
  reached(command: string): Promise<void>;
  /** From now on `reached` means another git than the one that waits already. */
  forget(command: string): Promise<void>;
  /** Lets all go on. */
  open(): Promise<void>;
}

export async function makeGates(root: string, commands: readonly string[]): Promise<Gates> {
  const directory = join(root, 'gates');
  await mkdir(directory);
  const cases = commands.map(
    (command) => `*" ${command} "*)
    [ -e '${directory}/hold-${command}' ] && : >'${directory}/reached-${command}'
    while [ -e '${directory}/hold-${command}' ]; do sleep 0.02; done ;;`,
  );
  await writeFile(
    join(directory, 'git'),
    `#!/bin/sh\ncase " $* " in\n  ${cases.join('\n  ')}\nesac\nPATH=/usr/local/bin:/usr/bin:/bin exec git "$@"\n`,
    { mode: 0o700 },
  );
  const held = (command: string) => join(directory, `hold-${command}`);
  return {
    directory,
    hold: (command) => writeFile(held(command), ''),
    reached: (command) => appears(directory, `reached-${command}`),
    forget: (command) => rm(join(directory, `reached-${command}`)),
    async open() {
      for (const command of commands) {
        await rm(held(command), { force: true });
      }
    },
  };
}
