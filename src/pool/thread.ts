import { workerData } from 'node:worker_threads';
import type { Settings } from '../config.js';
import { account } from '../stages/account.js';
import { announce } from '../stages/announce.js';
import { openChannel, type StageChannel } from '../stages/channel.js';
import { diff } from '../stages/diff.js';
import { preflight } from '../stages/preflight.js';
import { preview } from '../stages/preview.js';
import { reconcile } from '../stages/reconcile.js';
import { run } from '../stages/run.js';
import { worktree } from '../stages/worktree.js';
import type { StageAnswer, StageCall, StageName, Stages } from './messages.js';

/** Entry of a pool thread: finds the stage that a call names, and answers what it gives. */

type Stage<Name extends StageName> = (
  input: Stages[Name]['input'],
  settings: Settings,
  channel: StageChannel,
) => Promise<Stages[Name]['output']>;

const stages: { [Name in StageName]: Stage<Name> } = {
  worktree,
  run,
  diff,
  preflight,
  account,
  preview,
  reconcile,
  announce,
};

// Piscina wraps what it was given as workerData in a pair; the second is ours.
const settings = (Array.isArray(workerData) ? workerData[1] : workerData) as Settings;

export default async function answer<Name extends StageName>(
  call: StageCall<Name>,
): Promise<StageAnswer<Name>> {
  const channel = openChannel(call.port);
  try {
    const stage: Stage<Name> = stages[call.stage];
    return { kind: 'output', output: await stage(call.input, settings, channel) };
  } catch (error) {
    return {
      kind: 'broken',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    };
  } finally {
    channel.close();
  }
}
