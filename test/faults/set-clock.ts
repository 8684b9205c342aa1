import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The clock of a daemon, which can be set while it runs. Its timers, and what the disk says, are none the wiser. */
export interface SetClock {
  environment: Record<string, string>;
  /** Sets the clock that far from the machine's, in milliseconds; heard of within a moment. */
  set(by: number): Promise<void>;
}

/** By a module that all threads of the daemon load first, named by `NODE_OPTIONS`. */
export async function makeSetClock(root: string): Promise<SetClock> {
  const [module, offset] = [join(root, 'clock.cjs'), join(root, 'offset')];
  await writeFile(offset, '0');
  await writeFile(
    module,
    `const { readFileSync } = require('node:fs');
const machine = Date.now;
let read = -Infinity;
let by = 0;
Date.now = () => {
  if (performance.now() - read > 20) by = Number(readFileSync(${JSON.stringify(offset)}, 'utf8')) || 0;
  read = performance.now();
  return machine() + by;
};
`,
  );
  return {
    environment: { NODE_OPTIONS: `--require ${module}` },
    set: (by) => writeFile(offset, String(by)),
  };
}
