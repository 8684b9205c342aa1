import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { envelope, type Fault } from '../../src/errors.js';
import {
  type Answer,
  commandLine,
  makeOffshoot,
  type Offshoot,
  type OffshootOptions,
} from '../support/offshoot.js';

const execute = promisify(execFile);

/** The agent runs its task as a shell script: a test says in the task what the agent does. */
export const SHELL_AGENT = { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: 'sh' };

/** A daemon for one test, gone when the test is over. */
export async function withOffshoot(
  options: OffshootOptions,
  use: (offshoot: Offshoot) => Promise<void>,
): Promise<void> {
  const offshoot = await makeOffshoot(options);
  try {
    await use(offshoot);
  } finally {
    await offshoot.remove();
  }
}

/** The same daemon with other settings: as after `offshoot stop` and the next call. */
export async function restart(
  offshoot: Offshoot,
  environment: Record<string, string | undefined>,
): Promise<void> {
  await run(offshoot, 'stop', '--now');
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) delete offshoot.environment[name];
    else offshoot.environment[name] = value;
  }
  await offshoot.start();
}

/** Runs the command line; answers its exit code and both outputs. */
export async function run(
  { environment, repository }: Offshoot,
  ...words: string[]
): Promise<{ code: number; output: string }> {
  const ran = execute(process.execPath, [commandLine, ...words], { env: environment, cwd: repository });
  return ran.then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    (failed: { code: number; stdout: string; stderr: string }) => ({
      code: failed.code,
      output: failed.stdout + failed.stderr,
    }),
  );
}

/** What a client reads of a refusal: what to do next. */
export const repairOf = (fault: Fault): { next_step: string; advice: string; tool?: string } =>
  envelope(fault).error.repair;

/** Calls until the refusal, which says that it passes, has passed. */
export async function whenItPassed(ask: () => Promise<Answer>, code: string): Promise<Answer> {
  for (;;) {
    const answer = await ask().catch((refused: Error) => refused);
    if (!(answer instanceof Error)) return answer;
    if (!answer.message.includes(code)) throw answer;
  }
}
