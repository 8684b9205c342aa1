import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const FILES_IN_DIRECTORY = 4;
const DIRECTORIES_IN_PART = 25;
const IGNORED_FILES = 50;

const pathOf = (file: number): string => {
  const directory = Math.floor(file / FILES_IN_DIRECTORY);
  return `part-${Math.floor(directory / DIRECTORIES_IN_PART)}/module-${directory}/file-${file}.txt`;
};

/** About one to six kilobytes, different for each file. */
const textOf = (file: number): string =>
  Array.from(
    { length: 15 + (file % 7) * 15 },
    (_, line) => `Line ${line} of file ${file}, unlike any other.\n`,
  ).join('');

/** A repository with one commit of `files` text files, four in a directory as in many a real one. */
export async function makeDeepRepository(
  directory: string,
  files: number,
  environment: Record<string, string>,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const git = (...words: string[]) => execute('git', words, { cwd: directory, env: environment });
  await git('init', '--quiet', '--initial-branch=main');
  const importer = spawn('git', ['fast-import', '--quiet'], {
    cwd: directory,
    env: environment,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(importer, 'exit');
  importer.stdin.write('commit refs/heads/main\ncommitter Bench <bench@localhost> 0 +0000\ndata 6\nfirst\n');
  importer.stdin.write(importFile('.gitignore', 'build/\n'));
  for (let file = 0; file < files; file += 1) importer.stdin.write(importFile(pathOf(file), textOf(file)));
  importer.stdin.end('\n');
  await ended;
  await git('reset', '--quiet', '--hard');
}

const importFile = (path: string, text: string): string =>
  `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`;

/** What an agent may do: 10 edits, 5 new files, 3 deletions, and a build directory that is ignored. */
export async function editLikeAnAgent(checkout: string, files: number): Promise<void> {
  const nth = (part: number, of: number) => Math.floor((files * part) / of);
  const work: Promise<unknown>[] = [];
  for (let edit = 0; edit < 10; edit += 1) {
    const file = nth(edit, 10);
    work.push(writeFile(join(checkout, pathOf(file)), `Edited.\n${textOf(file)}`));
  }
  for (let added = 0; added < 5; added += 1) {
    work.push(writeFile(join(checkout, `${pathOf(nth(added, 5))}.new`), textOf(files + added)));
  }
  for (let removed = 0; removed < 3; removed += 1) work.push(rm(join(checkout, pathOf(nth(removed, 3) + 1))));
  await mkdir(join(checkout, 'build'));
  for (let ignored = 0; ignored < IGNORED_FILES; ignored += 1) {
    work.push(writeFile(join(checkout, 'build', `${ignored}.o`), textOf(ignored)));
  }
  await Promise.all(work);
}
