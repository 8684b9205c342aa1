import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HARNESS_PROFILE } from './profile.js';

/** A function and what it used itself, without those that it calls. */
export interface HotSpot {
  name: string;
  /** `src/git/patch`, `xstate`, `node:fs`, or what V8 tells in brackets. */
  module: string;
  /** Milliseconds, of all threads together. */
  selfMs: number;
  /** Of all the time in which a thread was not idle, in percent. */
  share: number;
}

/** The part that is read of what Node's profiler writes: a tree of calls, and which of them was found when. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  samples: number[];
  /** Microseconds since the sample before. */
  timeDeltas: number[];
}

/**
 * The functions with the most time of their own in the profiles of a directory: in those of the threads of daemons, or
 * where a scenario has none, in that of the bench itself.
 */
export async function hotSpotsIn(directory: string, most: number): Promise<HotSpot[]> {
  const all = (await readdir(directory)).filter((name) => name.endsWith('.cpuprofile'));
  const daemons = all.filter((name) => !name.startsWith(HARNESS_PROFILE));
  const names = daemons.length === 0 ? all : daemons;
  // One after the other: they are large.
  const profiles: CpuProfile[] = [];
  for (const name of names) {
    const text = await readFile(join(directory, name), 'utf8');
    // A thread that is ended while it writes leaves half of one.
    if (text.endsWith('}')) profiles.push(JSON.parse(text));
  }
  return hotSpots(profiles, most);
}

/** The functions with the most time of their own, together over profiles. */
export function hotSpots(profiles: readonly CpuProfile[], most: number): HotSpot[] {
  const spots = new Map<string, HotSpot>();
  for (const { nodes, samples, timeDeltas } of profiles) {
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
    for (const [index, id] of samples.entries()) {
      const frame = frames.get(id);
      if (frame === undefined || frame.functionName === '(idle)') continue;
      const name = frame.functionName || '(anonymous)';
      const module = moduleOf(frame.url);
      const key = `${name} ${module}`;
      const spot = spots.get(key) ?? { name, module, selfMs: 0, share: 0 };
      // A sample lasts until the next.
      spot.selfMs += (timeDeltas[index + 1] ?? 0) / 1_000;
      spots.set(key, spot);
    }
  }
  const all = [...spots.values()];
  const busy = all.reduce((sum, { selfMs }) => sum + selfMs, 0);
  return all
    .sort((one, other) => other.selfMs - one.selfMs)
    .slice(0, most)
    .map((spot) => ({ ...spot, share: busy === 0 ? 0 : (spot.selfMs / busy) * 100 }));
}

/** A script's address as people know it, without where this machine keeps it. */
function moduleOf(url: string): string {
  const library = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  const own = /\/dist\/(.+)\.js$/.exec(url)?.[1];
  return library ?? own ?? (url.startsWith('node:') ? url : '');
}
