import { refuseHttp, run, say } from '../../src/demo/reply.js';
import { type ScriptedModel, startScriptedModel } from '../../src/demo/scripted-model.js';
import { temporaryDirectory } from '../support/directory.js';
import { type Answer, makeOffshoot, type Offshoot } from '../support/offshoot.js';
import { type Gates, makeGates } from './gates.js';
import { makeThreadCrash, type ThreadCrash } from './thread-crash.js';

export const states = ['queued', 'worktree', 'running', 'retrying', 'diffing'] as const;
export type ActiveState = (typeof states)[number];

/** Hands a task to the daemon; answers the job's id. */
export type Delegate = (task: string) => Promise<string>;

/** A real daemon, real git and the real Codex CLI, with one job in each state that is not settled. */
export interface EveryState {
  offshoot: Offshoot;
  model: ScriptedModel;
  threads: ThreadCrash;
  gates: Gates;
  jobs: Record<ActiveState, string>;
  /** What codex_job_status answers for each job. */
  look(): Promise<Record<ActiveState, Answer>>;
  /** Lets all jobs go on, and answers their results. */
  finish(): Promise<Record<ActiveState, Answer>>;
  remove(): Promise<void>;
}

/** `connect` makes the way in which tasks are handed over, once the daemon serves. */
export async function makeEveryState(
  connect: (offshoot: Offshoot) => Promise<Delegate>,
): Promise<EveryState> {
  const temporary = await temporaryDirectory();
  const [gates, threads] = [await makeGates(temporary.path), await makeThreadCrash(temporary.path)];
  const going = goingOn();
  const model = await startScriptedModel(async ({ task, step }) => {
    // A later attempt is asked to go on, in other words.
    if (step === 0 && (states as readonly string[]).includes(task)) return run(`echo "${task}" > work.txt`);
    if (task === 'retrying' && !going.isOn()) return refuseHttp(429, 'slow down');
    if (task === 'running') await going.on;
    return say('Did it.');
  });
  const offshoot = await makeOffshoot({
    model,
    environment: {
      ...threads.environment,
      OFFSHOOT_MAX_RUNNING: '4',
      OFFSHOOT_RETRY_SECONDS: '4',
      OFFSHOOT_MAX_ATTEMPTS: '5',
      PATH: `${gates.directory}:/usr/local/bin:/usr/bin:/bin`,
    },
  });
  await offshoot.start();
  const jobs = await fill(offshoot, model, gates, await connect(offshoot));
  return {
    offshoot,
    model,
    threads,
    gates,
    jobs,
    look: () => ofEach(jobs, (job_id) => offshoot.call('codex_job_status', { job_id })),
    async finish() {
      going.begin();
      await gates.open();
      return ofEach(jobs, (id) => offshoot.result(id));
    },
    async remove() {
      going.begin();
      await gates.open();
      await offshoot.remove();
      await model.close();
      await temporary.remove();
    },
  };
}

/** The last slot is that of the job in `worktree`; the one after it stays in the queue. */
async function fill(
  offshoot: Offshoot,
  model: ScriptedModel,
  gates: Gates,
  delegate: Delegate,
): Promise<Record<ActiveState, string>> {
  const running = await delegate('running');
  await model.requested(2, 'running');
  await gates.hold('diffing');
  const diffing = await delegate('diffing');
  await gates.reached('diffing');
  const retrying = await delegate('retrying');
  await model.requested(2, 'retrying');
  await gates.hold('worktree');
  const worktree = await delegate('worktree');
  await gates.reached('worktree');
  const queued = await delegate('queued');
  await offshoot.reach(retrying, 'retrying');
  return { queued, worktree, running, retrying, diffing };
}

async function ofEach(
  jobs: Record<ActiveState, string>,
  ask: (id: string) => Promise<Answer>,
): Promise<Record<ActiveState, Answer>> {
  const answers: [ActiveState, Answer][] = [];
  for (const state of states) answers.push([state, await ask(jobs[state])]);
  return Object.fromEntries(answers) as Record<ActiveState, Answer>;
}

function goingOn() {
  let begun = false;
  let begin: () => void = () => undefined;
  const on = new Promise<void>((resolve) => {
    begin = () => {
      begun = true;
      resolve();
    };
  });
  return { on, isOn: () => begun, begin };
}
