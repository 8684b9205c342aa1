import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import type { RunOutput } from '../../machines/job.js';
import type { AgentReader } from '../../src/agents/agent.js';
import { codexExec } from '../../src/agents/codex-exec.js';
import { command } from '../../src/agents/command.js';
import { attemptLayout, type ProcessLayout } from '../../src/job/layout.js';
import { readAgentProcess } from '../../src/stages/agent-process.js';
import { openChannel } from '../../src/stages/channel.js';
import { followAgent } from '../../src/stages/follow-agent.js';
import { startAgent } from '../../src/stages/start-agent.js';
import { temporaryDirectory } from '../support/directory.js';
import { appears } from '../support/git-gate.js';

const BOUND = 1024 * 1024;
/** Bounded: were a test cut short, nobody would stop it. */
const FLOOD = 'flood() { yes | head -c 50000000; }';

let started = 0;

/** Starts a shell as the agent, and follows it from when `meanwhile` is over; how that went, and the lines read. */
async function follow(
  script: string,
  meanwhile: (files: ProcessLayout) => Promise<unknown> = async () => undefined,
  {
    view = [],
    stopping = false,
    deadlineMs = 60_000,
    jobDeadlineMs = 3_600_000,
    silenceMs = 60_000,
    reader = command().reader(),
  }: {
    view?: readonly string[];
    stopping?: boolean;
    /** When its supervisor ends it. */
    deadlineMs?: number;
    jobDeadlineMs?: number;
    silenceMs?: number;
    reader?: AgentReader;
  } = {},
): Promise<{ output: RunOutput; lines: number }> {
  const temporary = await temporaryDirectory();
  const { port1, port2 } = new MessageChannel();
  try {
    started += 1;
    const jobId = `${process.pid}${started}`.padStart(32, 'f');
    const files = attemptLayout(temporary.path, jobId, 1);
    await mkdir(files.directory, { recursive: true });
    const agent = await startAgent(
      {
        stateDir: temporary.path,
        jobId,
        files,
        view,
        directory: temporary.path,
        deadlineAt: Date.now() + deadlineMs,
      },
      {
        command: ['/bin/sh', '-c', script],
        input: '',
        environment: { PATH: '/usr/bin:/bin', TMPDIR: join(temporary.path, 'tmp') },
      },
    );
    assert.ok(agent.ok);
    await meanwhile(files);
    const output = await followAgent({
      jobId,
      agent: agent.value,
      reader,
      files,
      silenceMs,
      deadlineAt: Date.now() + jobDeadlineMs,
      maximumOutputBytes: BOUND,
      stopping,
      retryAfterMs: () => null,
      channel: openChannel(port2),
    });
    return { output, lines: reader.progress().events };
  } finally {
    port1.close();
    await temporary.remove();
  }
}

/** Follows a job of a host that hears of nothing; how that went, and how often the host was asked to stop the job. */
async function followHosted(
  said: string,
  meanwhile: (files: ProcessLayout) => Promise<unknown>,
): Promise<{ output: RunOutput; asked: number }> {
  const temporary = await temporaryDirectory();
  const { port1, port2 } = new MessageChannel();
  const host = spawn('sleep', ['60'], { stdio: 'ignore' });
  const server = createServer((socket) => socket.on('error', () => undefined).end());
  let asked = 0;
  server.on('connection', () => {
    asked += 1;
  });
  try {
    const files = attemptLayout(temporary.path, 'f'.repeat(32), 1);
    await mkdir(files.directory, { recursive: true });
    const [boot, stat] = [
      await readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      await readFile(`/proc/${host.pid}/stat`, 'utf8'),
    ];
    await writeFile(files.process, `${host.pid}\nnamespace\n${boot}${stat}${temporary.path}\n`);
    await writeFile(files.stdout, said);
    await writeFile(files.stderr, '');
    server.listen(join(temporary.path, 'socket'));
    await once(server, 'listening');
    const agent = readAgentProcess(files.process);
    assert.ok(agent);
    const following = followAgent({
      jobId: 'f'.repeat(32),
      agent,
      reader: codexExec().reader(),
      files,
      silenceMs: 600_000,
      deadlineAt: Date.now() + 3_600_000,
      maximumOutputBytes: BOUND,
      stopping: false,
      retryAfterMs: () => null,
      channel: openChannel(port2),
    });
    await once(port1, 'message');
    await meanwhile(files);
    const output = await following;
    // Connections are taken in their order, this one as the last.
    await once(createConnection(join(temporary.path, 'socket')).resume(), 'close');
    return { output, asked: asked - 1 };
  } finally {
    host.kill('SIGKILL');
    server.close();
    port1.close();
    await temporary.remove();
  }
}

/** For agents that do mischief: they wait, lest the one who starts them has not seen their process yet. */
const ONCE_STARTED = 'until [ -e go ]; do sleep 0.02; done';
const go = (files: ProcessLayout) => writeFile(join(files.directory, '../../../../go'), '');

describe('an agent', () => {
  it('that writes more than the bound is ended, on standard output and on standard error', async () => {
    for (const flood of ['flood; exec sleep 60', 'flood >&2; exec sleep 60']) {
      const { output } = await follow(`${FLOOD}; ${flood}`);
      assert.ok(!output.ok);
      assert.equal(output.code, 'output_too_large');
      assert.match(output.message, /more than 1 MiB/);
    }
  });

  it('that wrote more than the bound while nobody followed is told so, and nobody reads it all', async () => {
    const ended = (files: ProcessLayout) => appears(dirname(files.exit), 'exit');
    const { output, lines } = await follow(`${FLOOD}; flood`, ended);
    assert.equal(!output.ok && output.code, 'output_too_large');
    // Two bytes a line: all of it would be 25 million.
    assert.ok(lines <= 2 * BOUND, `${lines} lines`);
  });

  it('that put something else in the place of its files ends as it ended, and nobody waits for it', async () => {
    const mischief = {
      'a pipe': 'rm -f exit stdout stderr; mkfifo exit stdout stderr',
      'a directory': 'rm -f exit stderr; mkdir exit stderr',
      'a link that leads nowhere': 'rm -f exit stderr; ln -s nowhere exit; ln -s nowhere stderr',
      'a status of its own': 'echo 0 >exit',
    };
    for (const [what, commands] of Object.entries(mischief)) {
      const { output } = await follow(
        `${ONCE_STARTED}; cd jobs/*/attempts/1 && { ${commands}; }; exit 7`,
        go,
      );
      assert.equal(output.run?.exitCode, 7, what);
    }
  });

  it('that took the directory of its files away has ended without a status, long before its deadline', {
    timeout: 120_000,
  }, async () => {
    for (const commands of ['rm -r jobs', 'rm -r jobs; echo >jobs']) {
      const { output } = await follow(`${ONCE_STARTED}; ${commands}; exit 0`, go, { deadlineMs: 3_600_000 });
      assert.equal(!output.ok && output.code, 'agent_killed', commands);
    }
  });

  /** Tells of a turn, and does not end after it. */
  const turn = (type: string, error = '') =>
    `echo '{"type":"thread.started","thread_id":"t"}
      {"type":"turn.started"}
      {"type":"${type}"${error}}'; trap 'exit 1' TERM; until false; do sleep 0.1; done`;

  it('that does not end after its turn is ended, and did what its turn tells', async () => {
    const events = new Map([
      [turn('turn.completed'), null],
      [turn('turn.failed', ',"error":{"message":"boom"}'), 'agent_failed'],
    ]);
    const ends = [...events].map(async ([script, code]) => {
      const reader = codexExec().reader();
      const { output } = await follow(script, undefined, { silenceMs: 3_000, reader });
      assert.equal(output.ok ? null : output.code, code);
    });
    await Promise.all(ends);
  });

  it('that does not end after its turn is ended in time before the deadline of its job', {
    timeout: 60_000,
  }, async ({ mock }) => {
    // It never lingers for long.
    mock.method(performance, 'now', () => 0);
    const reader = codexExec().reader();
    const jobDeadlineMs = 3_000;
    const { output } = await follow(turn('turn.completed'), undefined, {
      deadlineMs: 3_600_000,
      jobDeadlineMs,
      reader,
    });
    assert.ok(output.ok);
  });

  it('whose host takes a minute to end it after its turn is waited for, lest other jobs lose that host', async ({
    mock,
  }) => {
    const now = performance.now.bind(performance);
    let aheadMs = 0;
    const clock = mock.method(performance, 'now', () => now() + aheadMs);
    const { output, asked } = await followHosted('{"type":"turn.completed"}\n', async (files) => {
      aheadMs = 60_000;
      const looks = clock.mock.callCount() + 4;
      while (clock.mock.callCount() < looks) await delay(10);
      await writeFile(files.exit, '000\n');
    });
    assert.deepEqual([output.ok, asked], [true, 0]);
  });

  it('that is stopped while its supervisor only starts is asked until that hears', async () => {
    const gate = await temporaryDirectory();
    const open = join(gate.path, 'open');
    // Without a process of its own, which would be asked in place of the supervisor.
    const view = ['/bin/sh', '-c', `while [ ! -e '${open}' ]; do :; done; exec "$@"`, 'gate'];
    const openLater = async () => void setTimeout(() => void writeFile(open, ''), 300);
    try {
      const { output } = await follow('exec sleep 60', openLater, { view, stopping: true });
      assert.equal(output.run?.exitCode, 128 + 15, 'it was killed, not asked');
    } finally {
      await gate.remove();
    }
  });
});
