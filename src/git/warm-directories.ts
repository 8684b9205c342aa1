import { lstatSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { absolutePath, type BytePath, lookAt, lookInside, parentOf } from './byte-path.js';
import type { CallerEnvironment } from './environment.js';
import { baselineFilesOf, IGNORE_RULES, ignoredDirectories } from './ignore-rules.js';
import type { IndexListing } from './index-listing.js';
import { lookThrough } from './plain-directory.js';
import { readRegularFile } from './regular-file.js';
import { discardParts } from './removal.js';
import type { SlotLayout } from './slot.js';
import type { SlotSize } from './slot-size.js';
import type { Survey } from './survey.js';
import { haveAttributes } from './system.js';

/**
 * Directories of dependencies that the user wants kept for the next job: see the setting `warm_paths`. They are taken
 * out of a checkout before it is scrubbed, so all else is proven as ever, and put into the next one when it is made.
 */
export interface WarmDirectories extends SlotSize {
  paths: BytePath[];
}

/** The most that is kept in one slot. */
const MAX_WARM: SlotSize = { bytes: 2 * 1024 ** 3, inodes: 200_000 };
const NONE: WarmDirectories = { paths: [], bytes: 0, inodes: 0 };

/**
 * Those of a job's checkout that may be kept, as many as fit. `wanted` are names, which fit in any directory of the
 * baseline, and paths from the root. One stays only where the baseline ignores it as a whole and tracks nothing in it,
 * and where the job left nothing strange; on any doubt none does. Never rejects.
 */
export async function findWarm(
  slot: SlotLayout,
  survey: Survey,
  wanted: readonly string[],
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<WarmDirectories> {
  const { additions, walked } = survey;
  const isWanted = matcherOf(wanted);
  const isFree = (path: BytePath) => !additions.included.some((file) => file.startsWith(`${path}/`));
  const named = walked.extra.directories.filter((path) => isWanted(path) && isFree(path));
  // What the walk had to put right may have been in one of them.
  if (named.length === 0 || walked.altered) return NONE;
  try {
    const ignored = await ignoredDirectories(named, baselineFilesOf(survey), slot, environment, signal);
    return ignored.ok ? await takePlain(slot, ignored.paths) : NONE;
  } catch {
    return NONE;
  }
}

function matcherOf(wanted: readonly string[]): (path: BytePath) => boolean {
  const asBytes = new Set(wanted.map((path) => Buffer.from(path).toString('latin1')));
  return (path) => asBytes.has(path) || asBytes.has(path.slice(path.lastIndexOf('/') + 1));
}

async function takePlain(slot: SlotLayout, paths: readonly BytePath[]): Promise<WarmDirectories> {
  const fresh = lstatSync(slot.aside);
  const taken = { ...NONE, paths: [] as BytePath[] };
  for (const path of paths) {
    const room = { bytes: MAX_WARM.bytes - taken.bytes, inodes: MAX_WARM.inodes - taken.inodes };
    const found = await lookThrough(slot.checkout, path, fresh, room);
    if (found === null) continue;
    const inside = found.directories.map((directory) => absolutePath(slot.checkout, directory));
    if (await haveAttributes(inside, slot.aside)) continue;
    taken.paths.push(path);
    taken.bytes += found.bytes;
    taken.inodes += found.inodes;
  }
  return taken;
}

/** Takes the directories out of the checkout, to lie beside it under their number in a list of their paths. */
export function parkWarm(slot: SlotLayout, paths: readonly BytePath[]): void {
  if (paths.length === 0) return;
  mkdirSync(slot.warm);
  paths.forEach((path, number) => {
    renameSync(absolutePath(slot.checkout, path), placeOf(slot, number));
  });
  writeFileSync(listOf(slot), JSON.stringify(paths));
}

const placeOf = (slot: SlotLayout, number: number): string => join(slot.warm, String(number));
const listOf = (slot: SlotLayout): string => join(slot.warm, 'paths.json');
const MAX_LIST_BYTES = 16 * 1024 * 1024;

/**
 * Puts what an earlier job left into a checkout that has all else by now. `index` is the baseline's: by its
 * rules, which may be others than the earlier one's, a directory must be ignored, and nothing may lie in its place.
 * What does not fit any more goes to the trash.
 */
export async function unparkWarm(
  slot: SlotLayout,
  index: IndexListing,
  wanted: readonly string[],
  environment: CallerEnvironment,
  signal: AbortSignal,
): Promise<void> {
  const list = readRegularFile(listOf(slot), MAX_LIST_BYTES);
  if (list === null) return;
  const paths = JSON.parse(list.toString('utf8')) as BytePath[];
  const isWanted = matcherOf(wanted);
  const tracked = index.paths();
  const free = paths.filter((path) => isWanted(path) && isFreePlace(slot, path) && !isTracked(path, tracked));
  // The checkout may hold rules of an earlier patch: none is taken from there.
  const rules = index.named(IGNORE_RULES);
  const baseline = { rules, differs: new Set(rules) };
  const ignored = await ignoredDirectories(free, baseline, slot, environment, signal);
  for (const path of ignored.ok ? ignored.paths : []) {
    renameSync(placeOf(slot, paths.indexOf(path)), absolutePath(slot.checkout, path));
  }
  discardParts(dirname(slot.warm), [slot.warm]);
}

function isFreePlace(slot: SlotLayout, path: BytePath): boolean {
  const parent = parentOf(path);
  const isReachable = parent === '' || lookInside(slot.checkout, parent)?.isDirectory() === true;
  return isReachable && lookAt(slot.checkout, path) === undefined;
}

const isTracked = (directory: BytePath, tracked: readonly BytePath[]): boolean =>
  tracked.some((path) => path === directory || path.startsWith(`${directory}/`));
