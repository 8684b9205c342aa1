import { execa } from 'execa';

/** Runs a small program of the system, with no environment but a plain PATH. True when it succeeded. Never rejects. */
export async function runQuietly(program: string, args: readonly string[]): Promise<boolean> {
  const result = await execa(program, args, {
    reject: false,
    stdio: 'ignore',
    extendEnv: false,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
  });
  return result.exitCode === 0;
}
