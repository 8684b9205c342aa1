import { join, resolve } from 'node:path';
import type { GitSetting } from './config-file.js';
import type { CallerEnvironment } from './environment.js';
import { readRegularFile } from './regular-file.js';
import type { Repository } from './repository.js';

/** What of the caller's git configuration a worktree takes over. */
export interface CallerConfiguration {
  /** For the baseline: how files become blobs, and the user's own clean filters. */
  conversion: GitSetting[];
  /** For the agent's own commits. */
  identity: GitSetting[];
  /** Filters that the repository itself configures; they are never run. */
  untrustedFilters: string[];
  /** Path of the user's excludes file, as configured; null for git's default. */
  excludesFile: string | null;
}

type Scoped = GitSetting & { scope: string };

/**
 * Settings that tell how a file becomes a blob and start no program; a repository may set them. git lists
 * section and name in lower case.
 */
const conversionKeys = new Set([
  'core.autocrlf',
  'core.eol',
  'core.filemode',
  'core.symlinks',
  'core.ignorecase',
  'core.precomposeunicode',
  'core.checkroundtripencoding',
  'core.attributesfile',
]);

/** Sorts the output of `git config --list --show-scope -z`: records of scope, key and value. */
export function readCallerConfiguration(listing: Buffer): CallerConfiguration {
  const settings = parseListing(listing);
  const filters = settings.filter(({ key }) => key.startsWith('filter.'));
  const ownedByUser = ({ scope }: Scoped) => scope === 'global' || scope === 'system';
  return {
    conversion: [
      ...settings.filter(({ key }) => conversionKeys.has(key)),
      ...filters.filter(ownedByUser),
      ...settings.filter((setting) => setting.key.startsWith('lfs.') && ownedByUser(setting)),
    ],
    identity: ['user.name', 'user.email'].map((key) => ({
      key,
      value: last(settings, key) ?? (key === 'user.name' ? 'Offshoot' : 'offshoot@localhost'),
    })),
    untrustedFilters: [...new Set(filters.filter((setting) => !ownedByUser(setting)).map(filterName))],
    excludesFile: asPath(last(settings, 'core.excludesfile')),
  };
}

function parseListing(listing: Buffer): Scoped[] {
  const fields = listing.toString('latin1').split('\0');
  const settings: Scoped[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [scope = '', setting = ''] = fields.slice(at, at + 2);
    const lineBreak = setting.indexOf('\n');
    // A name without a value is git's short form of "true".
    const [key, value] =
      lineBreak < 0 ? [setting, 'true'] : [setting.slice(0, lineBreak), setting.slice(lineBreak + 1)];
    settings.push({ scope, key, value });
  }
  return settings;
}

const last = (settings: readonly Scoped[], key: string): string | undefined =>
  settings.findLast((setting) => setting.key === key)?.value;

const asPath = (value: string | undefined): string | null =>
  value === undefined ? null : Buffer.from(value, 'latin1').toString('utf8');

const filterName = ({ key }: GitSetting): string => key.slice('filter.'.length, key.lastIndexOf('.'));

const MAX_RULES_BYTES = 4 * 1024 * 1024;

/**
 * Ignore rules of the caller that lie outside the tree: the user's excludes file, then the repository's
 * `info/exclude`. In one file a later rule wins, which keeps their order of precedence (gitignore(5)).
 */
export function readExcludes(
  repository: Repository,
  excludesFile: string | null,
  environment: CallerEnvironment,
): Buffer {
  const userFile =
    excludesFile === null
      ? defaultExcludesFile(environment)
      : configuredPath(excludesFile, repository, environment);
  const users = readRegularFile(userFile, MAX_RULES_BYTES);
  const repositorys = readRegularFile(join(repository.commonDirectory, 'info', 'exclude'), MAX_RULES_BYTES);
  return Buffer.concat([users ?? Buffer.alloc(0), Buffer.from('\n'), repositorys ?? Buffer.alloc(0)]);
}

/** Where a path in the configuration leads, but for the two rare forms that only git knows: `~user/` and `%(prefix)/`. */
export const configuredPath = (path: string, { root }: Repository, environment: CallerEnvironment): string =>
  resolve(root, expandHome(path, environment));

const defaultExcludesFile = (environment: CallerEnvironment): string =>
  join(environment.XDG_CONFIG_HOME || join(environment.HOME ?? '/nonexistent', '.config'), 'git', 'ignore');

const expandHome = (path: string, environment: CallerEnvironment): string =>
  path.startsWith('~/') ? join(environment.HOME ?? '/nonexistent', path.slice(2)) : path;

const NAMED_FILTERS = 5;

/** What a job tells of filters that are not run. */
export function warnOfFilters({ untrustedFilters }: CallerConfiguration): string[] {
  if (untrustedFilters.length === 0) return [];
  const names = untrustedFilters.slice(0, NAMED_FILTERS).map((name) => JSON.stringify(name.slice(0, 60)));
  return [
    `Filters of the repository's own configuration are not run, their files are taken as they lie: ${names.join(', ')}.`,
  ];
}
