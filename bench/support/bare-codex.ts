import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PINS, SWITCHED_OFF } from '../../src/agents/codex-launch.js';
import { findCodex } from '../../src/agents/codex-program.js';
import { loadSettings } from '../../src/config.js';
import { programOfPackage } from '../../src/demo/codex-package.js';

/** The Codex CLI that jobs start: the one installed beside Offshoot, or on the PATH of `environment`. */
export async function findBareCodex(environment: Record<string, string>): Promise<string> {
  const loaded = loadSettings({ ...environment, ...(await programOfPackage()) });
  if (!loaded.ok) throw new Error(loaded.fault.message);
  const program = await findCodex(loaded.value.settings);
  if (!program.ok) throw new Error(program.fault.message);
  return program.value;
}

/** Words for `codex exec` with the options that a job has, and `own` ones; its task is read from standard input. */
export const bareWords = (...own: string[]): string[] => [
  ...['exec', '--json', '--sandbox', 'workspace-write', ...own],
  ...PINS.flatMap((pin) => ['-c', pin]),
  ...SWITCHED_OFF.flatMap((feature) => ['--disable', feature]),
  '-',
];

/** A `codex exec` without an Offshoot around it. */
export interface BareCodex {
  pid: number;
  end(): Promise<void>;
}

/**
 * Starts Codex with the options that a job has, in a directory that is made for it, with a home of its own and
 * `config` as its config.toml.
 */
export async function startBareCodex(
  program: string,
  directory: string,
  { home, task, environment }: { home: string; task: string; environment: Record<string, string> },
): Promise<BareCodex> {
  const [work, temporary] = [join(directory, 'work'), join(directory, 'tmp')];
  for (const path of [work, temporary]) await mkdir(path, { recursive: true });
  const child = spawn(program, bareWords('--skip-git-repo-check', '-C', work), {
    env: { ...environment, CODEX_HOME: home, TMPDIR: temporary },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.stdin.end(task);
  await once(child, 'spawn');
  return {
    pid: child.pid ?? 0,
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
