import { cp, mkdir, readdir, rm, symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Outcome, refuse, succeed } from '../errors.js';
import { profileFile } from './codex-user-config.js';

/** What a job has of the user's Codex home: credentials, configuration, standing instructions. */
const SHARED: readonly string[] = [
  'auth.json',
  'config.toml',
  'AGENTS.md',
  'AGENTS.override.md',
  'prompts',
  'rules',
];

/** The private directories of one Codex process. */
export interface CodexDirectories {
  /** Its `CODEX_HOME`. */
  home: string;
  /** Its `TMPDIR`; Codex cannot run commands when its home lies below this. */
  temporary: string;
}

/**
 * Makes the private directories in `directory` (absolute, existing), with links to what the user's Codex home holds,
 * with that profile of theirs if one is named. Every process has a home of its own because processes that share one
 * race for the folder through which Codex starts its sandbox, and those that lose run no command. Credentials are a
 * link, not a copy: Codex renews them in place, and a copy becomes invalid. Safe to call again.
 */
export async function makeCodexDirectories(
  directory: string,
  userHome: string,
  profile: string | null = null,
): Promise<Outcome<CodexDirectories>> {
  const directories = { home: join(directory, 'codex'), temporary: join(directory, 'tmp') };
  try {
    await mkdir(directories.temporary, { recursive: true, mode: 0o700 });
    await fillHome(directories.home, resolve(userHome), profile);
    return succeed(directories);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return refuse('agent_not_started', {
      message: `Codex's private directories could not be made: ${code}.`,
    });
  }
}

/** Keeps the threads, from which a later run can go on, and removes the rest: about half a megabyte a job. */
export async function tidyCodexHome(directory: string): Promise<void> {
  const home = join(directory, 'codex');
  const names = await readdir(home).catch(() => []);
  const rest = names.filter((name) => name !== 'sessions');
  await Promise.all(rest.map((name) => rm(join(home, name), { recursive: true, force: true })));
}

/** Copies the threads of an earlier job: Codex writes on in their files. False when there are none. */
export async function adoptThreads(earlierDirectory: string, directory: string): Promise<boolean> {
  const [from, to] = [earlierDirectory, directory].map((each) => join(each, 'codex', 'sessions')) as [
    string,
    string,
  ];
  await rm(to, { recursive: true, force: true });
  try {
    await cp(from, to, { recursive: true });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function fillHome(home: string, userHome: string, profile: string | null): Promise<void> {
  await mkdir(join(home, 'skills'), { recursive: true, mode: 0o700 });
  const shared = profile === null ? SHARED : [...SHARED, profileFile(profile)];
  await linkEntries(userHome, home, (name) => shared.includes(name));
  // Codex manages `skills/.system` itself, so that folder cannot be the user's.
  await linkEntries(join(userHome, 'skills'), join(home, 'skills'), (name) => name !== '.system');
}

async function linkEntries(source: string, target: string, wanted: (name: string) => boolean): Promise<void> {
  const names = await readdir(source).catch(() => []);
  await Promise.all(names.filter(wanted).map((name) => link(join(source, name), join(target, name))));
}

async function link(target: string, path: string): Promise<void> {
  try {
    await symlink(target, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
