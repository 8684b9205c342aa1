import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs git in the sample, without anything of the user's own configuration. */
export async function git(repository: string, ...words: string[]): Promise<string> {
  const { stdout } = await run('git', ['-C', repository, ...words], {
    env: { ...gitEnvironment, PATH: process.env.PATH ?? '/usr/bin:/bin' },
  });
  return stdout;
}

const gitEnvironment = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Sample',
  GIT_AUTHOR_EMAIL: 'sample@example.invalid',
  GIT_COMMITTER_NAME: 'Sample',
  GIT_COMMITTER_EMAIL: 'sample@example.invalid',
};

const price = `export function total(prices) {
  let sum = 0;
  for (let index = 1; index < prices.length; index += 1) sum += prices[index];
  return sum;
}
`;

const test = `import assert from 'node:assert/strict';
import { total } from './price.js';

assert.equal(total([1, 2, 3]), 6);
`;

/** The task of the demo, and what the scripted model does about it. */
export const sampleTask =
  'The total in price.js leaves out the first price. Mend it and add a line to NOTES.md.';

export const sampleFix = "sed -i.old 's/index = 1/index = 0/' price.js && unlink price.js.old";
export const sampleNote = "echo '- total() counts every price.' >> NOTES.md";

/** Makes a small repository with a bug, one commit, and a change that is not committed. */
export async function makeSampleRepository(repository: string): Promise<void> {
  await mkdir(repository, { recursive: true });
  await git(repository, 'init', '--quiet', '--initial-branch=main');
  await writeFile(join(repository, 'package.json'), '{ "type": "module" }\n');
  await writeFile(join(repository, 'price.js'), price);
  await writeFile(join(repository, 'price.test.js'), test);
  await writeFile(join(repository, 'NOTES.md'), '# Notes\n');
  await git(repository, 'add', '.');
  await git(repository, 'commit', '--quiet', '--message', 'A sample');
  await writeFile(join(repository, 'NOTES.md'), '# Notes\n\n- Work that is not committed yet.\n');
}
