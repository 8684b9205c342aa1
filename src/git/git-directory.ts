import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GitSetting, renderConfig } from './config-file.js';
import { quoted } from './lenders.js';
import { copyRegularFile } from './regular-file.js';

/** What a git directory made by hand holds: gitrepository-layout(5). */
export interface GitDirectoryContent {
  /** `sha1` or `sha256`. */
  objectFormat: string;
  /** A commit's id, or `ref: refs/…`. */
  head: string;
  /** A branch and the commit it is at. */
  branch?: { name: string; commit: string };
  /** Object directories to borrow from. Absolute paths. */
  borrowedObjects: readonly string[];
  settings: readonly GitSetting[];
  attributes: Buffer;
  excludes: Buffer;
  /** Where history ends, for a shallow clone. */
  shallow?: Buffer;
}

/**
 * Attributes that hand every file through as it is. `info/attributes` comes before each `.gitattributes`, so
 * no file of the checkout can bring a filter, a diff driver or a conversion back.
 */
export const rawAttributes = Buffer.from('* !filter -text -ident !working-tree-encoding !diff !merge !eol\n');

/** Every git directory of ours starts from these, and no other configuration is read. */
const ownSettings: readonly GitSetting[] = [
  { key: 'core.bare', value: 'false' },
  { key: 'core.hooksPath', value: '/dev/null' },
  { key: 'core.fsmonitor', value: 'false' },
  { key: 'core.autocrlf', value: 'false' },
  // On Linux these names are names like any other; git would refuse to check them out.
  { key: 'core.protectNTFS', value: 'false' },
  { key: 'core.protectHFS', value: 'false' },
  { key: 'core.looseCompression', value: '1' },
  { key: 'core.bigFileThreshold', value: '32m' },
  // A slot does not outlive a power cut, so nothing in it waits for the disk.
  { key: 'core.fsync', value: 'none' },
  { key: 'gc.auto', value: '0' },
];

/** Makes a git directory by hand, with no process. `directory` must not exist. Synchronous: ten short steps. */
export function makeGitDirectory(directory: string, content: GitDirectoryContent): void {
  mkdirSync(directory, { recursive: true });
  for (const name of ['objects', 'refs', 'info']) mkdirSync(join(directory, name));
  writeFileSync(join(directory, 'HEAD'), `${content.head}\n`);
  if (content.borrowedObjects.length > 0) {
    mkdirSync(join(directory, 'objects', 'info'));
    writeFileSync(
      join(directory, 'objects', 'info', 'alternates'),
      content.borrowedObjects.map(quoted).join(''),
    );
  }
  writeFileSync(join(directory, 'info', 'exclude'), content.excludes);
  configure(directory, content);
  if (content.shallow !== undefined) writeFileSync(join(directory, 'shallow'), content.shallow);
  if (content.branch !== undefined) {
    mkdirSync(join(directory, 'refs', 'heads'));
    writeFileSync(join(directory, 'refs', 'heads', content.branch.name), `${content.branch.commit}\n`);
  }
}

/** Replaces the attributes and all settings of a git directory that was made by hand. */
export function configure(
  directory: string,
  {
    objectFormat,
    settings,
    attributes,
  }: Pick<GitDirectoryContent, 'objectFormat' | 'settings' | 'attributes'>,
): void {
  const all = [...formatSettings(objectFormat), ...ownSettings, ...settings];
  writeFileSync(join(directory, 'config'), renderConfig(all));
  writeFileSync(join(directory, 'info', 'attributes'), attributes);
}

/**
 * Copies an index with its time cut to whole seconds: entries not older than their index are compared by
 * content, so an earlier time costs a few comparisons and a later one would hide changes.
 */
export function copyIndex(from: string, to: string): void {
  const { atimeMs, mtimeMs } = copyRegularFile(from, to);
  utimesSync(to, Math.floor(atimeMs / 1000), Math.floor(mtimeMs / 1000));
}

const formatSettings = (objectFormat: string): GitSetting[] =>
  objectFormat === 'sha1'
    ? [{ key: 'core.repositoryFormatVersion', value: '0' }]
    : [
        { key: 'core.repositoryFormatVersion', value: '1' },
        { key: 'extensions.objectFormat', value: objectFormat },
      ];
