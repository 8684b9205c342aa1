import { readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type GitContext, streamGit } from './git.js';
import { staysInside } from './included-files.js';
import { LINK_MODE, SUBMODULE_MODE } from './modes.js';
import { type PatchFile, withoutQuotes } from './patch-files.js';
import type { Trees } from './plain-record.js';

/** What a reviewer should know of a changed file, beyond its lines. */
export type PatchFlag =
  | 'link_leaves_tree'
  | 'runs_at_checkout'
  | 'runs_at_install'
  | 'runs_in_ci'
  | 'submodule';

/** Files that make a program run, by when they do. Names are of widely used tools. */
const runningFiles: readonly [PatchFlag, RegExp][] = [
  ['runs_at_checkout', /(?:^|\/)\.git(?:attributes|modules|config)$/],
  ['runs_at_checkout', /(?:^|\/)\.?(?:husky|githooks|git-hooks|hooks)\//],
  [
    'runs_at_checkout',
    /(?:^|\/)(?:\.?lefthook(?:-local)?\.(?:ya?ml|toml|json)|\.pre-commit-config\.yaml|\.envrc)$/,
  ],
  ['runs_at_install', /(?:^|\/)(?:setup\.py|build\.rs|binding\.gyp|\.npmrc|\.pnpmfile\.cjs|\.yarnrc\.yml)$/],
  ['runs_in_ci', /^\.github\/(?:workflows|actions)\//],
  ['runs_in_ci', /(?:^|\/)(?:action\.ya?ml|Jenkinsfile)$/],
  [
    'runs_in_ci',
    /^(?:\.gitlab-ci\.ya?ml|\.gitlab\/|\.circleci\/|\.buildkite\/|\.travis\.yml|\.drone\.ya?ml|\.woodpecker|azure-pipelines\.ya?ml|bitbucket-pipelines\.yml|\.?appveyor\.yml)/,
  ],
];

const PACKAGE = /(?:^|\/)package\.json$/;
const MAX_COMPARED_PACKAGES = 20;
const MAX_READ_BYTES = 1024 * 1024;

/** The flags of every file of a patch between two trees, in their order. The checkout of `context` is as the later one. */
export async function findFlags(
  context: GitContext,
  files: readonly PatchFile[],
  trees: Trees,
): Promise<PatchFlag[][]> {
  const flags: PatchFlag[][] = [];
  let packages = 0;
  for (const file of files) {
    const found = new Set<PatchFlag>(flagsByName(file));
    if ([file.oldMode, file.newMode].includes(SUBMODULE_MODE)) found.add('submodule');
    if (file.newMode === LINK_MODE && leavesTree(context, file)) found.add('link_leaves_tree');
    if (PACKAGE.test(withoutQuotes(file.path))) {
      packages += 1;
      const same = packages <= MAX_COMPARED_PACKAGES && (await hasSameScripts(context, file, trees));
      if (!same) found.add('runs_at_install');
    }
    flags.push([...found]);
  }
  return flags;
}

const flagsByName = ({ path, oldPath = '' }: PatchFile): PatchFlag[] =>
  runningFiles
    .filter(([, pattern]) => [path, oldPath].some((name) => pattern.test(withoutQuotes(name))))
    .map(([flag]) => flag);

/** Null also where it is too large to be a package. */
const readBlob = async (context: GitContext, tree: string, path: string): Promise<string | null> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const read = await streamGit(context, ['cat-file', 'blob', `${tree}:${path}`], (chunk) => {
    chunks.push(chunk);
    bytes += chunk.length;
    return bytes <= MAX_READ_BYTES;
  });
  return read.ok ? Buffer.concat(chunks).toString('latin1') : null;
};

/** In doubt it does, as when the name is not UTF-8. There may be many: a process for each would take minutes. */
function leavesTree({ directory }: GitContext, { path }: PatchFile): boolean {
  try {
    return !staysInside(path, readlinkSync(join(directory, path), 'latin1'));
  } catch {
    return true;
  }
}

/** In doubt they differ. */
async function hasSameScripts(
  context: GitContext,
  { path, oldPath, oldMode, newMode }: PatchFile,
  trees: Trees,
): Promise<boolean> {
  try {
    const [before, after] = await Promise.all([
      readScripts(context, trees.before, oldPath ?? path, oldMode),
      readScripts(context, trees.after, path, newMode),
    ]);
    return before === after;
  } catch {
    return false;
  }
}

const NO_FILE = '000000';

/** Rejects when they cannot be read. */
async function readScripts(context: GitContext, tree: string, path: string, mode: string): Promise<string> {
  if (mode === NO_FILE) return '{}';
  const content = await readBlob(context, tree, path);
  if (content === null) throw new Error('A package could not be read.');
  const { scripts = {} } = JSON.parse(content) as { scripts?: object };
  return JSON.stringify(scripts);
}
