import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, cpus, freemem, loadavg, platform, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { version } from '../src/version.js';

const execute = promisify(execFile);

/** Where the figures come from: without it they say nothing. */
export interface Host {
  system: string;
  processor: string;
  cores: number;
  memoryMB: number;
  freeMemoryMB: number;
  /** Runnable processes, average of the minute before the run: above the cores, somebody else was busy too. */
  load: number;
  /** File system that holds the temporary directory. */
  fileSystem: string | null;
  versions: Record<string, string>;
}

export async function describeHost(temporary: string): Promise<Host> {
  const processors = cpus();
  return {
    system: `${platform()} ${release()} ${arch()}`,
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryMB: Math.round(totalmem() / 2 ** 20),
    freeMemoryMB: Math.round(freemem() / 2 ** 20),
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
    fileSystem: await fileSystemOf(temporary),
    versions: {
      offshoot: version,
      node: process.version,
      git: await outputOf('git', ['--version']),
      ...(await packageVersions(['xstate', 'piscina', '@photostructure/sqlite', '@openai/codex'])),
    },
  };
}

const outputOf = (program: string, words: string[]) =>
  execute(program, words).then(
    ({ stdout }) => stdout.trim(),
    () => 'not found',
  );

async function fileSystemOf(path: string): Promise<string | null> {
  const output = await outputOf('df', ['--output=fstype', path]);
  return output.split('\n')[1] ?? null;
}

async function packageVersions(names: readonly string[]): Promise<Record<string, string>> {
  const found = await Promise.all(names.map(async (name) => [name, await packageVersion(name)] as const));
  return Object.fromEntries(found.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** Packages may keep their package.json to themselves, so it is looked for where they would lie. */
async function packageVersion(name: string): Promise<string | null> {
  const directories = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const directory of directories) {
    const text = await readFile(`${directory}/${name}/package.json`, 'utf8').catch(() => null);
    if (text !== null) return JSON.parse(text).version;
  }
  return null;
}
