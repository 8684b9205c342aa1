import { relative } from 'node:path';
import type { GitContext } from './git.js';

const LONG_MS = 2_000;

/**
 * git waits for ever when it opens a named pipe that lies where it looks for rules. So when it takes long
 * with a tree of somebody else, that tree is searched for one, and then git is stopped. The context to use
 * instead of the given one comes back; `end` it in any case.
 */
export function watchForPipes(context: GitContext): {
  context: GitContext;
  /** Path of the pipe that git was stopped for. */
  found(): string | null;
  end(): void;
} {
  const stop = new AbortController();
  let pipe: string | null = null;
  const timer = setTimeout(async () => {
    pipe = await findPipe(context);
    if (pipe !== null) stop.abort();
  }, LONG_MS);
  return {
    context: { ...context, signal: AbortSignal.any([context.signal, stop.signal]) },
    found: () => pipe,
    end: () => clearTimeout(timer),
  };
}

async function findPipe({ directory, environment }: GitContext): Promise<string | null> {
  const names = ['(', '-name', '.gitattributes', '-o', '-name', '.gitignore', ')'];
  // Loaded by those who need it, and hardly anybody does.
  const { execa } = await import('execa');
  const found = await execa('find', [directory, '-type', 'p', ...names, '-print', '-quit'], {
    reject: false,
    stdin: 'ignore',
    extendEnv: false,
    env: { PATH: environment.PATH ?? '' },
  });
  return found.stdout === '' ? null : relative(directory, found.stdout);
}
