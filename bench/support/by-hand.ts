import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../scenario.js';
import { agentOf } from './environment.js';
import { childrenTime } from './processes.js';

/**
 * What a job does, done by hand: the obvious git commands, no seeding of uncommitted changes, no limits, no
 * deadline and nothing kept. Its arguments are the repository, a directory to work in, the agent and a name.
 */
const script = `set -e
repository=$1 directory=$2 agent=$3 name=$4
cd "$repository"
git worktree add --quiet --detach "$directory/$name" HEAD
cd "$directory/$name"
echo "task $name" | sh -c "$agent" >"$directory/$name.out" 2>&1
git add --all
git diff --cached --binary HEAD >"$directory/$name.patch"
cd "$repository"
git worktree remove --force "$directory/$name"
`;

export interface ByHand {
  /** Does one job; answers its wall time and the processor time of its processes, in milliseconds. */
  one(): Promise<{ wall: number; processor: number }>;
  /** Does `jobs` with `xargs`, `atOnce` at a time; answers the wall time and how many did not come to their end. */
  many(jobs: number, atOnce: number): Promise<{ wall: number; lost: number }>;
}

/** The shell script, in the same repository and with the same agent. */
export async function byHand(
  context: Context,
  { repository, environment }: { repository: string; environment: Record<string, string> },
  agent = agentOf(context),
): Promise<ByHand> {
  const directory = join(repository, '..', 'by-hand');
  await mkdir(directory, { recursive: true });
  const program = join(directory, 'job.sh');
  await writeFile(program, script);
  let names = 0;

  const run = async (words: readonly string[], errors: 'inherit' | 'ignore', input = ''): Promise<number> => {
    const child = spawn(words[0] ?? '', words.slice(1), {
      env: environment,
      stdio: ['pipe', 'ignore', errors],
    });
    child.stdin.end(input);
    const [status] = await once(child, 'exit');
    return status;
  };
  const job = ['sh', program, repository, directory, agent];

  return {
    async one() {
      names += 1;
      const [start, before] = [performance.now(), childrenTime(process.pid)];
      const status = await run([...job, `one-${names}`], 'inherit');
      if (status !== 0) throw new Error(`The shell script ended with status ${status}.`);
      return { wall: performance.now() - start, processor: childrenTime(process.pid) - before };
    },
    async many(jobs, atOnce) {
      names += 1;
      const lines = Array.from({ length: jobs }, (_, index) => `many-${names}-${index}\n`);
      const start = performance.now();
      // A script that fails says so in a file: xargs tells only that some did.
      const guarded = ['sh', '-c', `"$@" || echo lost >>"${directory}/lost-${names}"`, 'guard', ...job];
      await run(['xargs', '-P', String(atOnce), '-n', '1', ...guarded], 'ignore', lines.join(''));
      return { wall: performance.now() - start, lost: await countLines(join(directory, `lost-${names}`)) };
    },
  };
}

async function countLines(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}
