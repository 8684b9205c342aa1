import { delimiter, isAbsolute } from 'node:path';

/** What the daemon was started with; only single, named variables of it reach git. */
export type CallerEnvironment = Readonly<Record<string, string>>;

/** The git directory and the tree that a command of ours is about. Absolute paths. */
export interface OwnRepository {
  gitDirectory: string;
  workTree: string;
  /** Another index than the git directory's own. */
  index?: string;
}

/** Holds for every git: no prompt, no lock for convenience, no transport, no replaced object. */
const always = {
  LC_ALL: 'C',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_NO_LAZY_FETCH: '1',
  // Names no protocol: a missing object must not make git start a transport that the repository chose.
  GIT_ALLOW_PROTOCOL: 'none',
};

const noUserConfig = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

/** For git on a repository of ours: no configuration, attribute or home of anybody is seen. */
export function ownEnvironment(caller: CallerEnvironment, repository: OwnRepository): Record<string, string> {
  return {
    ...always,
    ...noUserConfig,
    ...namedRepository(repository),
    PATH: safePath(caller.PATH),
    HOME: '/nonexistent',
    GIT_ATTR_NOSYSTEM: '1',
  };
}

/** For git in the caller's repository, with the user's configuration: only for commands that start no program. */
export function probeEnvironment(caller: CallerEnvironment): Record<string, string> {
  return { ...always, ...userVariables(caller) };
}

/** For the baseline: a git directory of ours over the caller's tree, with a home for the user's clean filters. */
export function baselineEnvironment(
  caller: CallerEnvironment,
  repository: OwnRepository & { objects: string },
): Record<string, string> {
  return {
    ...always,
    ...noUserConfig,
    ...namedRepository(repository),
    ...userVariables(caller),
    GIT_OBJECT_DIRECTORY: repository.objects,
  };
}

const namedRepository = ({ gitDirectory, workTree, index }: OwnRepository): Record<string, string> => ({
  GIT_DIR: gitDirectory,
  GIT_WORK_TREE: workTree,
  ...(index === undefined ? {} : { GIT_INDEX_FILE: index }),
});

function userVariables(caller: CallerEnvironment): Record<string, string> {
  const names = ['HOME', 'XDG_CONFIG_HOME', 'TMPDIR', 'USER', 'LOGNAME'];
  const known = names.flatMap((name) => (caller[name] === undefined ? [] : [[name, caller[name]] as const]));
  return { ...Object.fromEntries(known), PATH: safePath(caller.PATH) };
}

/** Relative entries of PATH would find programs inside the repository. */
export const safePath = (path = '/usr/local/bin:/usr/bin:/bin'): string =>
  path.split(delimiter).filter(isAbsolute).join(delimiter);
