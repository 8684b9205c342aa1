import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, dirname, isAbsolute, join, sep } from 'node:path';
import type { Settings } from '../config.js';
import { type Outcome, refuse, succeed } from '../errors.js';

/** Platform packages of `@openai/codex`, and the folder in them, as its `bin/codex.js` names them. */
const platforms: Record<string, { name: string; target: string }> = {
  'linux-x64': { name: '@openai/codex-linux-x64', target: 'x86_64-unknown-linux-musl' },
  'linux-arm64': { name: '@openai/codex-linux-arm64', target: 'aarch64-unknown-linux-musl' },
  'darwin-x64': { name: '@openai/codex-darwin-x64', target: 'x86_64-apple-darwin' },
  'darwin-arm64': { name: '@openai/codex-darwin-arm64', target: 'aarch64-apple-darwin' },
};

/** Absolute path of the Codex CLI: the one that is set, else the first `codex` on PATH. */
export async function findCodex(settings: Settings): Promise<Outcome<string>> {
  const found = settings.codexPath ?? (await findOnPath('codex', settings.environment.PATH ?? ''));
  if (found === null || !(await isProgram(found))) return refuse('codex_not_found');
  return succeed((await nativeProgram(found)) ?? found);
}

async function findOnPath(name: string, path: string): Promise<string | null> {
  for (const directory of path.split(delimiter).filter(isAbsolute)) {
    const file = join(directory, name);
    if (await isProgram(file)) return file;
  }
  return null;
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/**
 * The native program behind the wrapper that npm installs; null if `file` is anything else. The wrapper
 * costs a Node process a job, and on Node 20 the agent outlives a SIGKILL of it. The program needs the
 * files beside it, so it is run where it lies.
 */
async function nativeProgram(file: string): Promise<string | null> {
  const wrapper = await realpath(file);
  const platform = platforms[`${process.platform}-${process.arch}`];
  if (!wrapper.endsWith(join('@openai', 'codex', 'bin', 'codex.js')) || platform === undefined) return null;
  const native = join(vendorOf(wrapper, platform.name), platform.target, 'bin', 'codex');
  return (await isProgram(native)) ? native : null;
}

/** The platform package holds the folder; older releases keep it in the wrapper's own package. */
function vendorOf(wrapper: string, platformPackage: string): string {
  try {
    return join(dirname(createRequire(wrapper).resolve(`${platformPackage}/package.json`)), 'vendor');
  } catch {
    return wrapper.split(sep).slice(0, -2).concat('vendor').join(sep);
  }
}
