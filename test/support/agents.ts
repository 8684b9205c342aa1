import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, open, realpath, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { AgentConclusion, LaunchJob, OwnProcessBackend } from '../../src/agents/agent.js';
import type { Settings } from '../../src/config.js';
import type { Submission } from '../../src/job/record.js';
import { submission, testSettings } from './house.js';

/** The Codex CLI of the development dependencies, as npm links it. */
export const codexWrapper = resolve('node_modules/.bin/codex');

/** A user with a home, a repository and a place for state; all below one temporary directory. */
export interface TestUser {
  root: string;
  codexHome: string;
  worktree: string;
  settings: Settings;
  job(jobId: string, submission?: Partial<Submission>): Promise<LaunchJob>;
  remove(): Promise<void>;
}

export async function makeTestUser(environment: Record<string, string> = {}): Promise<TestUser> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'offshoot-')));
  const [codexHome, worktree, stateDir, home] = ['codex-home', 'worktree', 'state', 'home'].map((name) =>
    join(root, name),
  ) as [string, string, string, string];
  await Promise.all([codexHome, worktree, stateDir, home].map((path) => mkdir(path)));
  await makeWorktree(worktree);
  const settings = testSettings(stateDir, {
    codexPath: codexWrapper,
    logLevel: 'silent',
    codexHome,
    environment: {
      HOME: home,
      PATH: ['/usr/local/bin', '/usr/bin', '/bin', resolve(process.execPath, '..')].join(delimiter),
      ...environment,
    },
  });
  return {
    root,
    codexHome,
    worktree,
    settings,
    async job(jobId, over = {}) {
      const jobDirectory = join(stateDir, 'jobs', jobId);
      await mkdir(jobDirectory, { recursive: true });
      return {
        jobId,
        attempt: 1,
        submission: submission({
          workspaceRoot: worktree,
          repository: join(worktree, '.git'),
          backend: 'codex-exec',
          ...over,
        }),
        directory: worktree,
        worktree,
        task: '',
        threadId: null,
        jobDirectory,
      };
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

/** Settings with a program of ours in the place of Codex. */
export async function withProgram({ root, settings }: TestUser, script: string): Promise<Settings> {
  const codexPath = join(root, 'program');
  await writeFile(codexPath, `#!/bin/sh\n${script}\n`);
  await chmod(codexPath, 0o755);
  return { ...settings, codexPath };
}

/** Makes a repository without commits. */
export async function makeWorktree(path: string): Promise<void> {
  await finished(spawn('git', ['init', '--quiet', path], { stdio: 'ignore' }));
}

/** How a run went, and every line the agent wrote. */
export interface Ran {
  conclusion: AgentConclusion;
  lines: string[];
}

/**
 * Does what the run stage does: starts the launch with the task from a file and reads it to its end; kills
 * the agent when `signal` is aborted.
 */
export async function runJob(
  backend: OwnProcessBackend,
  job: LaunchJob,
  settings: Settings,
  task: string,
  signal?: AbortSignal,
): Promise<Ran> {
  const launch = await backend.launch(job, settings);
  if (!launch.ok) throw new Error(launch.fault.message);
  const prompt = join(job.jobDirectory, 'prompt');
  await writeFile(prompt, task);
  const input = await open(prompt);
  const [program, ...parameters] = launch.value.command;
  const child = spawn(program, parameters, {
    cwd: job.directory,
    env: launch.value.environment,
    stdio: [input.fd, 'pipe', 'pipe'],
  });
  signal?.addEventListener('abort', () => child.kill('SIGKILL'));
  const reader = backend.reader();
  const lines: string[] = [];
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  if (child.stdout === null) throw new Error('no standard output');
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    reader.line(line, lines.length);
  });
  const status = await finished(child);
  await input.close();
  return { conclusion: reader.conclude({ status, stderr }), lines };
}

/** The status as a shell tells it. */
function finished(child: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((done, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) =>
      done(status ?? 128 + constants.signals[signal as NodeJS.Signals]),
    );
  });
}
