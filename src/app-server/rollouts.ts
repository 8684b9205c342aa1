import { linkSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * A rollout is the file in a Codex home that holds a conversation: `sessions/YYYY/MM/DD/rollout-…-THREAD.jsonl`. One
 * file is at home in two places, by a hard link: the app-server writes it, and the job keeps it.
 */

/** Gives the job's home the rollout that the app-server writes; false while there is none yet. */
export function keepRollout(path: string, serverHome: string, jobHome: string): boolean {
  return share(path, join(jobHome, relative(serverHome, path)));
}

/** Gives the app-server's home the rollout that an earlier attempt left in the job's; false where there is none. */
export function lendRollout(threadId: string, jobHome: string, serverHome: string): boolean {
  const sessions = join(jobHome, 'sessions');
  const names = tryTo(() => readdirSync(sessions, { recursive: true, encoding: 'utf8' })) ?? [];
  const name = names.find((entry) => entry.endsWith(`-${threadId}.jsonl`));
  return name !== undefined && share(join(sessions, name), join(serverHome, 'sessions', name));
}

function share(from: string, to: string): boolean {
  const isShared = () => tryTo(() => statSync(from).ino === statSync(to).ino) ?? false;
  if (isShared()) return true;
  tryTo(() => {
    mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
    // What an earlier attempt left there is older.
    rmSync(to, { force: true });
    linkSync(from, to);
  });
  return isShared();
}

function tryTo<Value>(work: () => Value): Value | null {
  try {
    return work();
  } catch {
    return null;
  }
}
