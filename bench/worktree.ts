import { execFile } from 'node:child_process';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findMountWay, type MountWay, mountedWords } from '../src/git/overlay.js';
import { capturePatch } from '../src/git/patch.js';
import { releaseWorktree } from '../src/git/release.js';
import { isOverlaySlot } from '../src/git/slot.js';
import { type Survey, surveySlot } from '../src/git/survey.js';
import { type MadeWorktree, makeWorktree } from '../src/git/worktree.js';
import type { Context, Measurement, Scenario } from './scenario.js';
import { baseEnvironment } from './support/environment.js';
import { interleave, timed } from './support/rounds.js';
import { editLikeAnAgent, makeDeepRepository } from './support/worktree-repository.js';

const execute = promisify(execFile);
const agent = join(import.meta.dirname, 'support/edit-like-an-agent.js');

export const worktree: Scenario = {
  name: 'worktree',
  title: 'A worktree: made, captured and given up',
  describe:
    'Wall time of making a worktree, capturing the patch and giving the worktree up, on repositories of 1,000, 5,000 and 30,000 files: ours with a new slot, ours with a warm one, ours as an overlay where one can be mounted, and plain `git worktree add`, `git add -A`, `git diff --cached`, `git worktree remove --force` by a shell. ' +
    'The edits, the same for all (10 files changed, 5 new, 3 deleted, 50 ignored), are not timed. The floor is what a recycled worktree cannot do without: a scan of the files, a walk of the directories, and starting git five times.',
  whyNotReached:
    'a warm job starts eight small processes: one asks about the caller, two compare files, one reads ignore rules, one makes the patch, one restores the slot and two look for attributes that an agent may have left. They take the same on a small repository, where the shell has little to do: where it keeps a journal, a sixth of it at 1,000 files is less than the floor, which starts git five times. ' +
    'A new slot costs what the shell costs, and the same fixed part; on a file system without a journal, creating files where others were deleted in the last minutes varies by a factor of five, for both.',
  ownRepository: true,
  async run(context) {
    const { measurements } = context;
    await settleIn(context);
    for (const files of context.quick ? [200] : [1_000, 5_000, 30_000]) {
      context.tell(`${files} files`);
      measurements.push(...(await measure(context, files)));
    }
    return {
      measurements,
      notes: [
        'The shell takes no uncommitted changes along, and has no limits on what the repository may run.',
        'On a file system without a journal, as ext4 can be, creating files gets slower after many were deleted near by, and a plain shell deletes what it made. Our slots lie in a directory with `chattr +T`, which spreads them over the disk. The row of a shell in such a directory shows how much of a ratio is due to that; where a journal is kept, the two shells take the same.',
        'The repository of the user has an index that is later than its files, as after any git status.',
        'The shell and a new slot are each the mean of two jobs, in the order shell, ours, ours, shell.',
        'A warm slot was released more than a second before, as it is when agents work longer than that.',
        'Ours runs in a process that has served some jobs, as a daemon has.',
      ],
    };
  },
};

/** Jobs that a process has served before it is measured: a daemon runs for hours, and its code is compiled. */
const EARLIER_JOBS = 30;
const EARLIER_FILES = 200;

async function settleIn(context: Context): Promise<void> {
  const environment = baseEnvironment(context, context.directory);
  const root = join(context.directory, 'repository-earlier');
  await makeDeepRepository(root, EARLIER_FILES, environment);
  const jobs = makeJobs(join(context.directory, 'earlier'), root, environment, {
    warmSlots: 1,
    way: null,
  });
  for (let job = 0; job < (context.quick ? 1 : EARLIER_JOBS); job += 1) await jobs.one(EARLIER_FILES);
}

/** A second and a bit: git tells files of the same second as their index only by their content. */
const NEXT_SECOND_MS = 1_100;

/** A round of a large repository takes half a minute on a busy machine; the whole has a quarter of an hour. */
const LARGE_FILES = 10_000;
const LARGE_RUNS = 5;

async function measure(context: Context, files: number): Promise<Measurement[]> {
  const environment = baseEnvironment(context, context.directory);
  const root = join(context.directory, `repository-${files}`);
  await makeDeepRepository(root, files, environment);
  // As in any repository that its user has looked at: then its index is later than its files.
  await delay(NEXT_SECOND_MS);
  await execute('git', ['-C', root, 'status', '--short'], { env: environment });
  const shellIn = async (name: string) => {
    const shells = join(context.directory, `${name}-${files}`);
    await mkdir(shells);
    let names = 0;
    const job = () => {
      names += 1;
      return shellJob(root, join(shells, `${name}-${files}-${names}`), environment, files);
    };
    return { shells, job };
  };
  const shell = await shellIn('shell');
  const spread = await shellIn('spread');
  await execute('chattr', ['+T', spread.shells]).catch(() => undefined);
  const ours = (name: string, form: Form) => {
    const jobs = makeJobs(join(context.directory, `${name}-${files}`), root, environment, form);
    return () => jobs.one(files);
  };
  const cold = ours('cold', { warmSlots: 0, way: null });
  const warm = ours('warm', { warmSlots: 1, way: null });
  const way = await findMountWay(join(context.directory, `overlay-${files}`, 'repositories'));
  const overlay = ours('overlay', { warmSlots: 0, way });
  // The first makes the slot; the second finds all its files older than the index.
  for (let round = 0; round < 2; round += 1) {
    await warm();
    // The first of these is an ordinary one, and becomes what the next is laid over.
    await overlay();
    await delay(NEXT_SECOND_MS);
  }
  const runs = files > LARGE_FILES ? Math.min(context.runs, LARGE_RUNS) : context.runs;
  const samples = await interleave(
    { ...context, runs },
    {
      files: () => bothTwice(shell.job, cold),
      spread: spread.job,
      warm: async () => {
        await delay(NEXT_SECOND_MS);
        return warm();
      },
      overlay,
      floor: () => floor(root, environment),
    },
  );
  for (const name of ['cold', 'warm', 'overlay']) {
    await rm(join(context.directory, `${name}-${files}`), { recursive: true, force: true });
  }
  const beside = { name: 'plain shell', samples: samples.files.map(([plainly]) => plainly) };
  const newSlot = samples.files.map(([, ours]) => ours);
  const plain: Measurement = {
    name: `plain shell, ${files} files`,
    unit: 'ms',
    better: 'lower',
    samples: beside.samples,
  };
  const row = (name: string, own: number[], bound?: number): Measurement => ({
    name: `${name}, ${files} files`,
    unit: 'ms',
    better: 'lower',
    samples: own,
    beside,
    ...(bound === undefined ? {} : { targets: [{ of: 'ratio', is: 'at most', bound }] }),
  });
  return [
    plain,
    row('shell, chattr +T', samples.spread),
    row('new slot', newSlot, 1.2),
    row('warm slot', samples.warm, 1 / 6),
    ...(way === null ? [] : [row('overlay', samples.overlay, files > LARGE_FILES ? 1 / 15 : undefined)]),
    row('floor of a recycled worktree', samples.floor),
  ];
}

/**
 * The mean of each of two jobs that were done twice, in an order in which what changes steadily disturbs both alike: a
 * file system without a journal creates files more slowly after many were deleted in the last minutes.
 */
async function bothTwice(
  one: () => Promise<number>,
  other: () => Promise<number>,
): Promise<[number, number]> {
  const first = await one();
  const others = (await other()) + (await other());
  return [(first + (await one())) / 2, others / 2];
}

interface Form {
  warmSlots: number;
  /** How the worktree's overlay is mounted; null for one that is none. */
  way: MountWay | null;
}

function makeJobs(
  directory: string,
  root: string,
  environment: Record<string, string>,
  { warmSlots, way }: Form,
) {
  let names = 0;
  const signal = new AbortController().signal;
  return {
    async one(files: number): Promise<number> {
      names += 1;
      const artifacts = join(directory, `artifacts-${names}`);
      await mkdir(artifacts, { recursive: true });
      let made: MadeWorktree | undefined;
      const making = await timed(async () => {
        const answer = await makeWorktree({
          repositoriesDirectory: join(directory, 'repositories'),
          slot: `${basename(directory)}-${names}`,
          workspaceRoot: root,
          baseRef: null,
          includeUntracked: false,
          cleanFilters: true,
          environment,
          signal,
          warm: warmSlots > 0,
          overlay: way !== null,
          keptObjects: join(artifacts, 'baseline'),
          continues: null,
        });
        if (!answer.ok) throw new Error(answer.fault.message);
        made = answer.value;
      });
      if (made === undefined) throw new Error('No worktree was made.');
      const { path, baselineCommit } = made;
      const slotDirectory = dirname(path);
      const view = way !== null && isOverlaySlot(slotDirectory) ? mountedWords(way, slotDirectory) : [];
      const inside = (...words: string[]) => {
        const [program = '', ...rest] = [...view, ...words];
        return execute(program, rest, { cwd: path, env: environment });
      };
      // The mount is timed, what is done in it is not.
      const mounting = view.length === 0 ? 0 : await timed(() => inside('true'));
      await inside(process.execPath, agent, String(files));
      let survey: Survey | undefined;
      const capturing = await timed(async () => {
        survey = await surveySlot(slotDirectory, baselineCommit, environment, signal);
        const patch = await capturePatch({
          slotDirectory,
          baselineCommit,
          patchFile: join(artifacts, 'patch'),
          filesFile: join(artifacts, 'files.json'),
          environment,
          signal,
          survey,
        });
        if (!patch.ok) throw new Error(patch.fault.message);
        if (patch.value.files !== 18) throw new Error(`The patch has ${patch.value.files} files, not 18.`);
      });
      const releasing = await timed(() =>
        releaseWorktree({
          slotDirectory,
          baselineCommit,
          warmSlots,
          overlay: way !== null,
          environment,
          signal,
          survey,
        }),
      );
      return making + mounting + capturing + releasing;
    },
  };
}

async function shellJob(
  root: string,
  path: string,
  environment: Record<string, string>,
  files: number,
): Promise<number> {
  const shell = (script: string) => execute('sh', ['-ec', script, 'shell', root, path], { env: environment });
  const making = await timed(() => shell('git -C "$1" worktree add --quiet --detach "$2" HEAD'));
  await editLikeAnAgent(path, files);
  const rest = await timed(() =>
    shell(
      'git -C "$2" add -A; git -C "$2" diff --cached --binary >"$2.patch"; git -C "$1" worktree remove --force "$2"',
    ),
  );
  return making + rest;
}

/** On the caller's own checkout: the scan and the walk are the same there. */
async function floor(root: string, environment: Record<string, string>): Promise<number> {
  return timed(async () => {
    await execute('git', ['-C', root, 'diff-files', '--quiet'], { env: environment });
    await readdir(root, { recursive: true, withFileTypes: true });
    for (let start = 0; start < 5; start += 1) await execute('git', ['--version'], { env: environment });
  });
}
