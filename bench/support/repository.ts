import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const FILES_IN_DIRECTORY = 50;

/** A repository with one commit of `files` text files of about 1 KB, 50 in a directory. */
export async function makeRepository(
  directory: string,
  files: number,
  environment: Record<string, string>,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (let first = 0; first < files; first += FILES_IN_DIRECTORY) {
    const folder = join(directory, `part-${first / FILES_IN_DIRECTORY}`);
    await mkdir(folder);
    const last = Math.min(files, first + FILES_IN_DIRECTORY);
    for (let file = first; file < last; file += 1) await writeFile(join(folder, `${file}.txt`), textOf(file));
  }
  await git(directory, environment, 'init', '--quiet', '--initial-branch=main');
  await git(directory, environment, 'add', '.');
  await git(directory, environment, 'commit', '--quiet', '--allow-empty', '--message', 'first');
}

/** The user's repository, cloned: what is done to it by hand must not touch theirs. */
export async function cloneRepository(
  from: string,
  directory: string,
  environment: Record<string, string>,
): Promise<void> {
  await execute('git', ['clone', '--quiet', '--no-hardlinks', from, directory], { env: environment });
}

async function git(
  directory: string,
  environment: Record<string, string>,
  ...words: string[]
): Promise<void> {
  await execute('git', words, { cwd: directory, env: environment });
}

const textOf = (file: number) =>
  Array.from(
    { length: 20 },
    (_, line) => `Line ${line} of file ${file}, so that no two are the same.\n`,
  ).join('');
