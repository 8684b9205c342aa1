import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Context } from '../scenario.js';
import { fillQueue } from './filled-store.js';
import { limitOf, makeWorld, type World } from './world.js';

const LINES_PER_SECOND = 1_000;
const STARTING_MS = 240_000;

export interface ChattySwarm {
  world: World;
  /** The running jobs first, then the queued ones. */
  ids: string[];
  /** Ends the talk, and with it the agents; tells how many lines were written, and how many held back. */
  quiet(): Promise<{ written: number; refused: number }>;
}

/** A daemon with `running` agents that write 1,000 lines a second each, as one program says them, and a queue. */
export async function startChattySwarm(
  context: Context,
  { running, queued }: { running: number; queued: number },
): Promise<ChattySwarm> {
  const pipes = join(context.directory, `pipes-${running}`);
  await mkdir(pipes);
  const world = await makeWorld(context, {
    environment: { ...limitOf(running), OFFSHOOT_COMMAND: chattyAgent(pipes) },
  });
  const ids = await fillQueue(world, running + queued);
  await world.start();
  await pipesAppear(context, pipes, running);
  return { world, ids, ...startChatter(context, pipes) };
}

/** Each agent makes a pipe of its own and says what comes through it. */
const chattyAgent = (pipes: string) =>
  `while read -r line; do :; done; mkfifo "${pipes}/$OFFSHOOT_JOB_ID" && exec cat "${pipes}/$OFFSHOOT_JOB_ID"`;

async function pipesAppear(context: Context, pipes: string, count: number): Promise<void> {
  const until = performance.now() + STARTING_MS;
  for (let there = 0; there < count; there = (await readdir(pipes)).length) {
    context.signal.throwIfAborted();
    if (performance.now() > until) throw new Error(`Only ${there} of ${count} agents started in time.`);
    await delay(100);
  }
}

function startChatter(context: Context, pipes: string): Pick<ChattySwarm, 'quiet'> {
  const program = fileURLToPath(new URL('./chatter.js', import.meta.url));
  const child = spawn(process.execPath, [program, pipes, String(LINES_PER_SECOND)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  context.atEnd(() => child.kill('SIGKILL'));
  return {
    async quiet() {
      const ended = once(child, 'exit');
      child.stdin.end();
      const said = JSON.parse(await text(child.stdout));
      await ended;
      return said;
    },
  };
}
