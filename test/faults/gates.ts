import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appears } from '../support/git-gate.js';

/** Git commands that stages of a name run, and no other stage does. */
const gates = { worktree: ['read-tree'], diffing: ['diff-tree', 'diff-index'] } as const;
export type Gate = keyof typeof gates;

/** A `git` that waits before the commands of a stage while the test holds its gate. */
export interface Gates {
  /** Put before the others on PATH. */
  directory: string;
  /** From now on git waits there. */
  hold(gate: Gate): Promise<void>;
  /** Resolves once a git waits there. */
  reached(gate: Gate): Promise<void>;
  /** From now on `reached` means another git than the one that waits already. */
  forget(gate: Gate): Promise<void>;
  /** Lets all go on. */
  open(): Promise<void>;
}

export async function makeGates(root: string): Promise<Gates> {
  const directory = join(root, 'gates');
  await mkdir(directory);
  const names = Object.keys(gates) as Gate[];
  const cases = names.map((gate) => {
    const commands = gates[gate].map((command) => `*" ${command} "*`).join('|');
    return `${commands})
    [ -e '${directory}/hold-${gate}' ] && : >'${directory}/reached-${gate}'
    while [ -e '${directory}/hold-${gate}' ]; do sleep 0.02; done ;;`;
  });
  await writeFile(
    join(directory, 'git'),
    `#!/bin/sh\ncase " $* " in\n  ${cases.join('\n  ')}\nesac\nPATH=/usr/local/bin:/usr/bin:/bin exec git "$@"\n`,
    { mode: 0o700 },
  );
  const held = (gate: Gate) => join(directory, `hold-${gate}`);
  return {
    directory,
    hold: (gate) => writeFile(held(gate), ''),
    reached: (gate) => appears(directory, `reached-${gate}`),
    forget: (gate) => rm(join(directory, `reached-${gate}`)),
    async open() {
      for (const gate of names) await rm(held(gate), { force: true });
    },
  };
}
