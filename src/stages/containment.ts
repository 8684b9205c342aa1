import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Containment } from '../../machines/job.js';

const run = promisify(execFile);

/** How an agent's processes are held on this machine, and the words that start a program so. */
export interface Holding {
  containment: Containment;
  /** Words put before the supervisor; none for a plain process group. */
  wrapper: readonly string[];
}

const PID_NAMESPACE = ['--pid', '--fork', '--kill-child=KILL', '--mount-proc'];

/** Strongest first. A user namespace is what lets an unprivileged user make a PID namespace. */
const candidates = [
  ...(process.getuid?.() === 0 ? [['unshare', ...PID_NAMESPACE]] : []),
  ['unshare', '--user', '--map-current-user', ...PID_NAMESPACE],
];

let holding: Promise<Holding> | undefined;

/** Finds, once per thread, the strongest holding that this machine allows, by trying it on `true`. */
export function findHolding(environment: Readonly<Record<string, string>>): Promise<Holding> {
  holding ??= tryHoldings(environment);
  return holding;
}

async function tryHoldings(environment: Readonly<Record<string, string>>): Promise<Holding> {
  if (process.platform !== 'linux') return { containment: 'group', wrapper: [] };
  for (const wrapper of candidates) {
    const [program = '', ...words] = wrapper;
    const works = await run(program, [...words, 'true'], { env: { ...environment }, timeout: 5_000 }).then(
      () => true,
      () => false,
    );
    if (works) return { containment: 'namespace', wrapper };
  }
  return { containment: 'group', wrapper: [] };
}
