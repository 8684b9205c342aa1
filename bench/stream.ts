import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createActor } from 'xstate';
import { loadSettings, type Settings } from '../src/config.js';
import { provideActors } from '../src/job/actors.js';
import { attemptLayout } from '../src/job/layout.js';
import type { JobRecord } from '../src/job/record.js';
import { createPool, type StagePool } from '../src/pool/pool.js';
import type { Scenario } from './scenario.js';
import { queuedJob } from './support/filled-store.js';
import { interleave, timed } from './support/rounds.js';

export const stream: Scenario = {
  name: 'stream',
  title: 'How fast an agent’s events are read',
  describe:
    'Events a second from the file that an agent wrote, through a thread, its port and the job’s machine, as after a restart of the daemon: the agent has ended and its whole output is there. Beside it, the same file read in one thread, split into lines, each parsed as JSON.',
  whyNotReached:
    'each event is taken as well as parsed, and between two reads the agent and the size of its output are looked at; bare JSON parsing does neither.',
  whatProfileLedTo:
    'schemas came first, so an agent’s events are checked by hand-written code and put into words only when somebody asks.',
  ownRepository: true,
  async run(context) {
    const events = context.quick ? 2_000 : 400_000;
    const settings = settingsBelow(context.directory);
    const pool = createPool(settings, (problem) => context.tell(String(problem)));
    context.atEnd(() => pool.close());
    // So that a thread is there.
    await pool.run('preflight', {});
    const job = await jobWithOutput(settings, events);
    const perSecond = (wall: number) => (events * 1_000) / wall;
    const samples = await interleave(context, {
      ours: async () => {
        const taken = await takeUp(job.record, pool);
        if (taken.events !== events) throw new Error(`${taken.events} of ${events} events were seen.`);
        return perSecond(taken.wall);
      },
      bare: async () => perSecond(await timed(() => readBare(job.output))),
    });
    return {
      measurements: [
        {
          name: `events of ${Math.round(job.bytes / events)} bytes`,
          unit: '/s',
          better: 'higher',
          samples: samples.ours,
          beside: { name: 'read and parse alone', samples: samples.bare },
          targets: [{ of: 'ratio', is: 'at least', bound: 0.7 }],
        },
      ],
      notes: ['How events are seen while hundreds of agents write is in `swarm`.'],
    };
  },
};

function settingsBelow(directory: string): Settings {
  const loaded = loadSettings({
    OFFSHOOT_STATE_DIR: join(directory, 'state'),
    OFFSHOOT_BACKEND: 'command',
    OFFSHOOT_COMMAND: 'true',
    HOME: directory,
    PATH: '/usr/local/bin:/usr/bin:/bin',
  });
  if (!loaded.ok) throw new Error(loaded.fault.message);
  return loaded.value.settings;
}

/** A job in `running` whose agent has said much and ended. */
async function jobWithOutput(settings: Settings, events: number) {
  const { record } = queuedJob('/repository', 1);
  const running: JobRecord = {
    ...record,
    state: 'running',
    submission: { ...record.submission, backend: 'codex-exec' },
    context: {
      ...record.context,
      worktree: { path: settings.stateDir, baselineCommit: '0'.repeat(40), warnings: [] },
    },
    deadlineAt: Date.now() + 3_600_000,
  };
  const files = attemptLayout(settings.stateDir, record.id, 1);
  await mkdir(files.directory, { recursive: true });
  const lines = Array.from({ length: events }, (_, index) => `${JSON.stringify(eventOf(index, events))}\n`);
  const output = lines.join('');
  await writeFile(files.stdout, output);
  await writeFile(files.stderr, '');
  await writeFile(files.exit, '0\n');
  // Who ran it: a process that is no more.
  await writeFile(files.process, '4194305\nnamespace\nboot\n4194305 (sh) S\n');
  return { record: running, output: files.stdout, bytes: Buffer.byteLength(output) };
}

/** What Codex prints with --json: a turn of many commands and messages. */
function eventOf(index: number, events: number): object {
  if (index === 0) return { type: 'thread.started', thread_id: '00000000-0000-4000-8000-000000000000' };
  if (index === 1) return { type: 'turn.started' };
  if (index === events - 1)
    return {
      type: 'turn.completed',
      usage: { input_tokens: 100, cached_input_tokens: 40, output_tokens: 20, reasoning_output_tokens: 5 },
    };
  const id = `item_${index}`;
  return index % 2 === 0
    ? { type: 'item.completed', item: { id, type: 'agent_message', text: `Looked at part ${index}.` } }
    : {
        type: 'item.completed',
        item: {
          id,
          type: 'command_execution',
          command: `/bin/bash -lc 'cat part-${index}.txt'`,
          aggregated_output: `What stands in part ${index}\n`,
          exit_code: 0,
          status: 'completed',
        },
      };
}

/** Takes the job up as a new daemon does; answers how long the run stage took and how many events it saw. */
async function takeUp(record: JobRecord, pool: StagePool): Promise<{ wall: number; events: number }> {
  const machine = provideActors(pool, () => ({
    recorded: async () => record,
    task: async () => 'task',
    send: (event) => actor.send(event),
    stopSignal: () => new AbortController().signal,
    stopStage: () => undefined,
    lookAtDeadline: () => undefined,
    stageEnded: () => undefined,
  }));
  const actor = createActor(machine, {
    input: { jobId: record.id },
    snapshot: machine.resolveState({ value: { active: 'running' }, context: record.context }),
  });
  const start = performance.now();
  return new Promise((resolve, reject) => {
    actor.subscribe({
      next(snapshot) {
        if (snapshot.matches({ active: 'running' })) return;
        const { progress, ending } = snapshot.context;
        actor.stop();
        if (ending === null) resolve({ wall: performance.now() - start, events: progress.events });
        else reject(new Error(ending.message));
      },
      error: reject,
    });
    // As the supervisor does: a machine that is restored does not enter its stage by itself.
    actor.start().send({ type: 'job.resumed' });
  });
}

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

async function readBare(path: string): Promise<number> {
  const file = await open(path, 'r');
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let partial = '';
  let parsed = 0;
  try {
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return parsed;
      let start = 0;
      for (
        let end = chunk.indexOf(NEWLINE);
        end !== -1 && end < bytesRead;
        end = chunk.indexOf(NEWLINE, start)
      ) {
        JSON.parse(partial + chunk.toString('utf8', start, end));
        partial = '';
        parsed += 1;
        start = end + 1;
      }
      partial += chunk.toString('utf8', start, bytesRead);
    }
  } finally {
    await file.close();
  }
}
