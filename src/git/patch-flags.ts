import { type GitContext, runGit } from './git.js';
import { staysInside } from './included-files.js';
import type { PatchFile } from './patch-files.js';

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

/** The flags of every file of a patch, in their order. The index of `context` holds what the patch leads to. */
export async function findFlags(
  context: GitContext,
  files: readonly PatchFile[],
  baseline: string,
): Promise<PatchFlag[][]> {
  const flags: PatchFlag[][] = [];
  let packages = 0;
  for (const file of files) {
    const found = new Set<PatchFlag>(flagsByName(file));
    if (file.newMode === '160000' || file.oldMode === '160000') found.add('submodule');
    if (file.newMode === '120000' && (await leavesTree(context, file))) found.add('link_leaves_tree');
    if (PACKAGE.test(file.path)) {
      packages += 1;
      const same = packages <= MAX_COMPARED_PACKAGES && (await hasSameScripts(context, file, baseline));
      if (!same) found.add('runs_at_install');
    }
    flags.push([...found]);
  }
  return flags;
}

const flagsByName = ({ path, oldPath }: PatchFile): PatchFlag[] =>
  runningFiles
    .filter(([, pattern]) => pattern.test(path) || (oldPath !== undefined && pattern.test(oldPath)))
    .map(([flag]) => flag);

/** In the syntax of git, an empty name and the stage 0 stand for the index. */
const INDEX = ':0';

const readBlob = async (context: GitContext, tree: string, path: string): Promise<string | null> => {
  const read = await runGit(context, ['cat-file', 'blob', `${tree}:${path}`]);
  return read.ok ? read.stdout.toString('latin1') : null;
};

/** In doubt it does, as when the name is not UTF-8. */
async function leavesTree(context: GitContext, { path }: PatchFile): Promise<boolean> {
  const target = await readBlob(context, INDEX, path);
  return target === null || !staysInside(path, target);
}

async function hasSameScripts(
  context: GitContext,
  { path, oldPath }: PatchFile,
  baseline: string,
): Promise<boolean> {
  const [before, after] = await Promise.all([
    readBlob(context, baseline, oldPath ?? path),
    readBlob(context, INDEX, path),
  ]);
  try {
    return scriptsOf(before) === scriptsOf(after);
  } catch {
    return false;
  }
}

function scriptsOf(content: string | null): string {
  if (content === null) return '{}';
  const { scripts = {} } = JSON.parse(content) as { scripts?: object };
  return JSON.stringify(scripts);
}
