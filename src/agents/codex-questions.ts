import { takeLines } from '../lines.js';
import { limitTime } from '../time-limit.js';
import type { ProbeOptions } from './probe.js';
import { endGroup, startWatched } from './watched-process.js';

/** A request of Codex's app-server protocol, as `codex app-server generate-ts` tells them (Codex 0.169). */
export interface Question {
  method: string;
  params?: object;
}

/** A machine under load starts Codex slowly. */
const MOST_MILLISECONDS = 20_000;
/** Some answers come from the account's own server: what has not come so long after the first stays open. */
const AFTER_FIRST_MILLISECONDS = 5_000;
const FIRST = { clientInfo: { name: 'offshoot', title: 'Offshoot', version: '1' }, capabilities: {} };

/**
 * Asks a short-lived `codex app-server` some questions, and gives the result of each, in their order; null for one
 * that it refused or did not answer within 5 s of the first answer, or within 20 s. No thread is started, so no model
 * is asked. Never rejects.
 */
export function askAppServer(
  program: string,
  parameters: readonly string[],
  questions: readonly Question[],
  options: ProbeOptions,
): Promise<unknown[]> {
  return new Promise((resolve) => {
    const answers: unknown[] = questions.map(() => null);
    const open = new Set(questions.keys());
    const server = startWatched(program, ['app-server', ...parameters], options);
    server.stderr.resume();
    const limit = limitTime(options.signal, MOST_MILLISECONDS);
    const end = () => {
      endGroup(server.pid);
      // Whoever left the group may hold the pipes open.
      for (const stream of [server.stdout, server.stderr]) stream.destroy();
    };
    let patience: NodeJS.Timeout | undefined;
    const conclude = () => {
      limit.release();
      clearTimeout(patience);
      resolve(answers);
    };
    server.once('error', conclude);
    server.once('close', conclude);
    limit.signal.addEventListener('abort', end);
    if (limit.signal.aborted) end();

    const send = (message: object) => server.stdin.write(`${JSON.stringify(message)}\n`);
    // It may end before it has read all.
    server.stdin.on('error', () => {});
    takeLines(server.stdout, (line) => {
      const message = readMessage(line);
      if (message?.id === 'initialize') {
        send({ method: 'initialized' });
        for (const [id, question] of questions.entries()) send({ id, ...question });
      } else if (typeof message?.id === 'number' && open.delete(message.id)) {
        answers[message.id] = message.result ?? null;
        if (open.size === 0) end();
        else patience ??= setTimeout(end, AFTER_FIRST_MILLISECONDS);
      }
    });
    send({ id: 'initialize', method: 'initialize', params: FIRST });
  });
}

function readMessage(line: string): { id?: unknown; result?: unknown } | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
