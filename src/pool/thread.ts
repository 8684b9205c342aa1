import { workerData } from 'node:worker_threads';
import type { Settings } from '../config.js';
import { openChannel, type StageChannel } from '../stages/channel.js';
import type { AnswerMessage, StageAnswer, StageCall, StageName, Stages } from './messages.js';

/** Entry of a pool thread: finds the stage that a call names, and answers what it gives. */

type Stage<Name extends StageName> = (
  input: Stages[Name]['input'],
  settings: Settings,
  channel: StageChannel,
) => Promise<Stages[Name]['output']>;

/** Loaded once the first call has been answered: a daemon serves as soon as `reconcile` was done, which needs little. */
const stages: { [Name in StageName]: () => Promise<Stage<Name>> } = {
  worktree: async () => (await import('../stages/worktree.js')).worktree,
  run: async () => (await import('../stages/run.js')).run,
  diff: async () => (await import('../stages/diff.js')).diff,
  preflight: async () => (await import('../stages/preflight.js')).preflight,
  account: async () => (await import('../stages/account.js')).account,
  preview: async () => (await import('../stages/preview.js')).preview,
  leftovers: async () => (await import('../stages/reconcile.js')).findLeftovers,
  reconcile: async () => (await import('../stages/reconcile.js')).reconcile,
  announce: async () => (await import('../stages/announce.js')).announce,
};

// Piscina wraps what it was given as workerData in a pair; the second is ours.
const settings = (Array.isArray(workerData) ? workerData[1] : workerData) as Settings;

/** Null is an empty call, which has no port. */
export default async function answer<Name extends StageName>(call: StageCall<Name> | null): Promise<void> {
  if (call === null) return;
  const channel = openChannel(call.port);
  const answer = await perform(call, channel);
  call.port.postMessage({ type: 'answer', answer } satisfies AnswerMessage<Name>);
  channel.close();
  loadAll();
}

let loaded = false;

/** Not later: where files run out, a module that cannot be read stays so for the life of its thread. */
function loadAll(): void {
  if (loaded) return;
  loaded = true;
  for (const load of Object.values(stages)) load().catch(() => undefined);
}

async function perform<Name extends StageName>(
  { stage, input }: StageCall<Name>,
  channel: StageChannel,
): Promise<StageAnswer<Name>> {
  try {
    const perform: Stage<Name> = await stages[stage]();
    return { kind: 'output', output: await perform(input, settings, channel) };
  } catch (error) {
    return {
      kind: 'broken',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  }
}
