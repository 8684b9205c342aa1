import assert from 'node:assert/strict';
import { mkdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import type { Progress } from '../../machines/job.js';
import type { Settings } from '../../src/config.js';
import { attemptLayout, jobLayout } from '../../src/job/layout.js';
import type { RunTask } from '../../src/pool/messages.js';
import { isAlive, readAgentProcess } from '../../src/stages/agent-process.js';
import { openChannel } from '../../src/stages/channel.js';
import { findMarked } from '../../src/stages/marked-processes.js';
import { run } from '../../src/stages/run.js';
import { temporaryDirectory } from '../support/directory.js';
import { appears } from '../support/git-gate.js';
import { started } from '../support/hosts.js';
import { submission, testSettings } from '../support/house.js';

let made = 0;

/** A job whose agent is a shell command, with its directories and a port; `use` runs the stage. */
async function withJob(
  command: string,
  use: (job: {
    task: RunTask;
    settings: Settings;
    files: ReturnType<typeof attemptLayout>;
    progress: Progress[];
    run(over?: Partial<RunTask>): ReturnType<typeof run>;
    stop(): void;
  }) => Promise<void>,
  over: Partial<Settings> = {},
): Promise<void> {
  const temporary = await temporaryDirectory();
  const root = await realpath(temporary.path);
  const settings = testSettings(root, { backend: 'command', command, ...over });
  made += 1;
  const jobId = `${process.pid}${made}`.padStart(32, '0');
  const worktree = join(root, 'wt');
  await mkdir(worktree);
  const task: RunTask = {
    jobId,
    submission: submission(),
    stopping: false,
    attempt: 1,
    threadId: null,
    task: 'the task',
    worktree,
    baselineCommit: null,
    deadlineAt: Date.now() + 60_000,
  };
  await mkdir(attemptLayout(root, jobId, 1).directory, { recursive: true });
  const { port1, port2 } = new MessageChannel();
  const progress: Progress[] = [];
  port1.on('message', (message) => progress.push(message.progress));
  const channel = openChannel(port2);
  try {
    await use({
      task,
      settings,
      files: attemptLayout(root, jobId, 1),
      progress,
      run: (changes = {}) => run({ ...task, ...changes }, settings, channel),
      stop: () => port1.postMessage({ type: 'stop' }),
    });
    assert.deepEqual(await findMarked(jobId), []);
  } finally {
    port1.close();
    await temporary.remove();
  }
}

describe('the run stage', { concurrency: 4 }, () => {
  it('gives the task on standard input, and reports summary, exit code and progress', async () => {
    await withJob('cat; echo second', async ({ run, progress }) => {
      const output = await run();
      assert.ok(output.ok);
      assert.equal(output.run.summary, 'the task\nsecond'.replace('task\n', 'task'));
      assert.equal(output.run.exitCode, 0);
      assert.ok((progress.at(-1)?.events ?? 0) >= 1);
    });
  });

  it('fails with the exit code of the agent, and what it said last', async () => {
    await withJob('echo no such thing >&2; exit 7', async ({ run }) => {
      const output = await run();
      assert.ok(!output.ok);
      assert.equal(output.code, 'agent_exited');
      assert.match(output.message, /no such thing/);
      assert.equal(output.run?.exitCode, 7);
    });
  });

  it('ends every process that the agent left, those that left its session too', async () => {
    await withJob('setsid sleep 600 & (setsid setsid sleep 600 &) ; echo done', async ({ run, task }) => {
      assert.ok((await run()).ok);
      assert.deepEqual(await findMarked(task.jobId), []);
    });
  });

  it('finds the agent again when it is called again while the agent runs, and reads all it said', async () => {
    const command = 'echo first; until [ -e go ]; do sleep 0.02; done; echo second';
    await withJob(command, async ({ run, files, task }) => {
      const one = run();
      await appears(files.directory, 'process');
      const two = run();
      await writeFile(join(task.worktree, 'go'), '');
      const outputs = await Promise.all([one, two]);
      for (const output of outputs) {
        assert.ok(output.ok);
        assert.equal(output.run.summary, 'first\nsecond');
      }
    });
  });

  it('answers from the files when it is called again after the agent has ended, without starting it again', async () => {
    await withJob('echo x >>count; wc -l <count', async ({ run }) => {
      const first = await run();
      assert.deepEqual(await run(), first);
      assert.ok(first.ok);
      assert.equal(first.run.summary?.trim(), '1');
    });
  });

  it('stops the agent when it is told to, and when it is entered for a job that ended already', async () => {
    await withJob('echo up; exec sleep 600', async ({ run, stop, files }) => {
      const running = run();
      await appears(files.directory, 'process');
      stop();
      const output = await running;
      assert.ok(!output.ok);
      assert.equal(output.run?.exitCode, 143);
    });
    await withJob('exec sleep 600', async ({ run }) => {
      const output = await run({ stopping: true });
      assert.ok(!output.ok);
      assert.equal(output.run, null);
    });
  });

  it('says that the agent was killed when its supervisor was, and leaves none of it', async () => {
    await withJob('sleep 600', async ({ run, files }) => {
      const running = run();
      await appears(files.directory, 'stdout');
      const agent = await started(files.process);
      assert.ok(isAlive(agent));
      process.kill(agent.pid, 'SIGKILL');
      const output = await running;
      assert.ok(!output.ok);
      assert.equal(output.code, 'agent_killed');
      assert.equal(output.run?.exitCode, null);
    });
  });

  it('stops an agent at its deadline without being told', async () => {
    await withJob('sleep 600', async ({ run }) => {
      const output = await run({ deadlineAt: Date.now() });
      assert.ok(!output.ok);
      assert.equal(output.run?.exitCode, 143);
    });
  });

  it('takes up a start that was interrupted before its process was known', async () => {
    await withJob('echo once', async ({ run, files }) => {
      await writeFile(files.claim, '');
      const output = await run();
      assert.ok(output.ok);
      assert.equal(output.run.summary, 'once');
    });
  });

  it('waits for the rest of a half-written file that names the process', async () => {
    await withJob('echo once', async ({ run, files }) => {
      await run();
      const whole = await readFile(files.process, 'utf8');
      for (const length of [0, 10, whole.length - 1]) {
        await writeFile(files.process, whole.slice(0, length));
        assert.equal(readAgentProcess(files.process), null);
      }
      await writeFile(files.process, whole);
      assert.ok(readAgentProcess(files.process));
    });
  });

  it('hands the agent its variables whole, whatever else has a name that shells do not know or keep', async () => {
    const odd = `a'b "c" $HOME \\ é`;
    const named = { PATH: process.env.PATH ?? '', ODD: odd, UID: '7', OPTIND: 'none', 'no.name': 'x' };
    await withJob(
      'printf %s "$ODD"',
      async ({ run }) => {
        const output = await run();
        assert.ok(output.ok);
        assert.equal(output.run.summary, odd);
      },
      { environment: named },
    );
  });

  it('reads lines that are no UTF-8, very long, or without an end', async () => {
    await withJob(
      `printf 'caf\\351\\n'; head -c 3000000 /dev/zero | tr '\\0' a; echo; printf 'no end'`,
      async ({ run }) => {
        const output = await run();
        assert.ok(output.ok);
        assert.match(output.run.summary ?? '', /no end$/);
      },
    );
  });

  it('refuses to start an agent without its worktree', async () => {
    await withJob('echo up', async ({ run, task }) => {
      await rm(task.worktree, { recursive: true });
      const output = await run();
      assert.ok(!output.ok);
      assert.equal(output.code, 'agent_not_started');
    });
  });

  it('works in the subdirectory of the caller, but never follows a symlink out of the checkout', async () => {
    await withJob('pwd', async ({ run, task }) => {
      await mkdir(join(task.worktree, 'inner'));
      const inside = await run({ submission: submission({ subdirectory: 'inner' }) });
      assert.ok(inside.ok);
      assert.equal(inside.run.summary, join(task.worktree, 'inner'));
    });
    await withJob('pwd', async ({ run, task }) => {
      await symlink('/tmp', join(task.worktree, 'out'));
      const outside = await run({ submission: submission({ subdirectory: 'out' }) });
      assert.ok(outside.ok);
      assert.equal(outside.run.summary, task.worktree);
    });
  });

  it('gives the agent a private temporary directory and the marker of its job', async () => {
    await withJob(
      'echo "$TMPDIR"; echo "$OFFSHOOT_JOB"; cat /proc/$$/status | grep -c NSpid',
      async ({ run, files, task, settings }) => {
        const output = await run();
        assert.ok(output.ok);
        const [temporary, marker] = (await readFile(files.stdout, 'utf8')).split('\n');
        assert.equal(temporary, jobLayout(settings.stateDir, task.jobId).temporary);
        assert.equal(marker, task.jobId);
      },
    );
  });
});
