import { join } from 'node:path';
import type { Caller } from './caller.js';
import { readExcludes } from './caller-configuration.js';
import type { CallerEnvironment } from './environment.js';
import { copyIndex, makeGitDirectory, rawAttributes } from './git-directory.js';
import { readRegularFile } from './regular-file.js';
import type { SlotLayout } from './slot.js';

const MAX_SHALLOW_BYTES = 16 * 1024 * 1024;

/** Makes our git directory of a slot, with the caller's objects at hand; `mirror` need not be there. */
export function makeOwnGitDirectory(
  slot: SlotLayout,
  caller: Caller,
  mirror: string,
  environment: CallerEnvironment,
): void {
  makeGitDirectory(slot.gitDirectory, {
    objectFormat: caller.objectFormat,
    head: caller.baseCommit,
    borrowedObjects: [mirror, join(caller.repository.commonDirectory, 'objects')],
    settings: [],
    attributes: rawAttributes,
    excludes: readExcludes(caller.repository, caller.configuration.excludesFile, environment),
  });
}

/** A throwaway repository for the agent's own status, diff, log and commits. What it does there is never read. */
export function makeAgentGitDirectory(
  slot: SlotLayout,
  { repository, objectFormat, configuration }: Caller,
  baseline: string,
  mirror: string,
  environment: CallerEnvironment,
): void {
  const directory = join(slot.checkout, '.git');
  const shallow = readRegularFile(join(repository.commonDirectory, 'shallow'), MAX_SHALLOW_BYTES);
  makeGitDirectory(directory, {
    objectFormat,
    head: 'ref: refs/heads/offshoot',
    branch: { name: 'offshoot', commit: baseline },
    borrowedObjects: [slot.objects, mirror, join(repository.commonDirectory, 'objects')],
    settings: configuration.identity,
    attributes: rawAttributes,
    excludes: readExcludes(repository, configuration.excludesFile, environment),
    ...(shallow === null ? {} : { shallow }),
  });
  copyIndex(slot.index, join(directory, 'index'));
}
