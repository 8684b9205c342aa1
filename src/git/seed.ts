import { copyFileSync, readdirSync, rmSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { toBytes } from './byte-path.js';
import type { Caller } from './caller.js';
import { configuredPath } from './caller-configuration.js';
import type { GitSetting } from './config-file.js';
import { baselineEnvironment, type CallerEnvironment } from './environment.js';
import type { GitContext } from './git.js';
import { configure, copyIndex, rawAttributes } from './git-directory.js';
import { promptLook } from './look.js';
import { readRegularFile } from './regular-file.js';
import type { SlotLayout } from './slot.js';

const MAX_ATTRIBUTES_BYTES = 4 * 1024 * 1024;

/**
 * Lays our git directory of a slot over the caller's tree, for a copy of the caller's index, until `closeSeed`. Of the
 * caller's configuration it has only what turns files into blobs, and of the user's clean filters nothing unless
 * `cleanFilters`; so no other program can run. Null when the caller has no index: then nothing was ever staged or
 * checked out, and nothing was laid.
 */
export function openSeed(
  { repository, objectFormat, configuration }: Caller,
  slot: SlotLayout,
  { cleanFilters }: { cleanFilters: boolean },
  environment: CallerEnvironment,
  signal: AbortSignal,
): GitContext | null {
  const { gitDirectory, commonDirectory, root } = repository;
  if (promptLook.at(join(gitDirectory, 'index')) === null) return null;
  const attributes = readRegularFile(join(commonDirectory, 'info', 'attributes'), MAX_ATTRIBUTES_BYTES);
  const isEndlessFile = ({ key, value }: GitSetting) =>
    key === 'core.attributesfile' &&
    isEndless(configuredPath(toBytes(value).toString('utf8'), repository, environment));
  const conversion = configuration.conversion
    .filter(({ key }) => cleanFilters || !/^(filter|lfs)\./.test(key))
    .map((setting) => (isEndlessFile(setting) ? { ...setting, value: '/dev/null' } : setting));
  configure(slot.gitDirectory, {
    objectFormat,
    // git-lfs keeps a copy of what it cleans; it must not be the caller's.
    settings: [...conversion, { key: 'lfs.storage', value: slot.seed }],
    attributes: attributes ?? Buffer.alloc(0),
  });
  return {
    directory: root,
    environment: baselineEnvironment(environment, {
      gitDirectory: slot.gitDirectory,
      workTree: root,
      index: indexOf(slot),
      objects: slot.objects,
    }),
    signal,
  };
}

/** Gives our git directory back to the slot. */
export function closeSeed({ objectFormat }: Caller, slot: SlotLayout): void {
  configure(slot.gitDirectory, { objectFormat, settings: [], attributes: rawAttributes });
  rmSync(slot.seed, { recursive: true, force: true });
  for (const name of readdirSync(slot.gitDirectory)) {
    if (/^(seed-|shared)index/.test(name)) unlinkSync(join(slot.gitDirectory, name));
  }
}

const indexOf = ({ gitDirectory }: SlotLayout): string => join(gitDirectory, 'seed-index');

/** Copies the caller's index as it is now. What is no file is not copied: whoever reads the copy finds it damaged. */
export function copyCallersIndex({ repository: { gitDirectory } }: Caller, slot: SlotLayout): void {
  const index = join(gitDirectory, 'index');
  if (isFile(index)) copyIndex(index, indexOf(slot));
  // After it: a new index may have a new file beside it.
  copySharedIndexes(gitDirectory, slot.gitDirectory);
}

/** A split index has its larger part in a file beside it, in the git directory. */
export function copySharedIndexes(from: string, to: string): void {
  const shared = readdirSync(from).filter((name) => name.startsWith('sharedindex.'));
  for (const name of shared) if (isFile(join(from, name))) copyFileSync(join(from, name), join(to, name));
}

/** git would read a device, or wait for a pipe, until it is stopped. */
const isEndless = (path: string): boolean => promptLook.at(path)?.isFile() === false;

/** To copy a named pipe would hold up the thread for ever. */
const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
