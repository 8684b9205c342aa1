import { existsSync, lstatSync } from 'node:fs';
import { absolutePath, type BytePath, splitRecords } from './byte-path.js';
import type { IndexChanges } from './index-changes.js';
import { isHole } from './overlay.js';
import { readWholeFile } from './regular-file.js';
import type { SlotLayout } from './slot.js';
import { findOpaque } from './system.js';
import type { Tracked } from './tracked.js';
import { type WalkedTree, type Witness, walkTree } from './tree-walk.js';

/** Whether the checkout is the upper directory of an overlay. */
export const isOverlay = (slot: SlotLayout): boolean => slot.checkout === slot.upper;

/**
 * What an agent changed in an overlay, read from the upper directory alone: whatever it touched lies there whole, and
 * a device stands for each name that it removed. The upper directory is afterwards as `walkTree` leaves a checkout,
 * but for these. Throws when the marks of directories cannot be read.
 */
export async function readUpper(
  slot: SlotLayout,
  tracked: Tracked,
): Promise<{ walked: WalkedTree; found: { ok: true; changes: IndexChanges } }> {
  const layer = new UpperLayer(slot);
  const walked = await walkTree(slot, tracked, new Map(), layer);
  const hiding = new Set([...layer.gone, ...(await findHiding(slot, tracked, layer)), ...walked.untracked]);
  const differing = readDiffering(slot);
  const isChanged = (path: BytePath) => layer.files.has(path);
  const replaced = [...differing, ...layer.directories, ...hiding].filter((path) => tracked.files.has(path));
  const hidden = [...hiding].flatMap((path) => tracked.files.below(path));
  const changes: IndexChanges = {
    removed: [...new Set([...replaced, ...hidden])].filter((path) => !isChanged(path)),
    changed: [...layer.files].filter((path) => tracked.files.has(path)),
  };
  return { walked, found: { ok: true, changes } };
}

class UpperLayer implements Witness {
  readonly files = new Set<BytePath>();
  readonly directories = new Set<BytePath>();
  /** Nothing lies here that a patch could hold, whatever lies below. */
  readonly gone = new Set<BytePath>();

  constructor(private readonly slot: SlotLayout) {}

  special(path: BytePath): boolean {
    this.gone.add(path);
    return isHole(lstatSync(absolutePath(this.slot.checkout, path)));
  }
}

/** Directories with which the agent replaced those of the lower tree. */
async function findHiding(slot: SlotLayout, tracked: Tracked, layer: UpperLayer): Promise<BytePath[]> {
  const candidates = [...layer.directories].filter((path) => tracked.directories.has(path));
  if (candidates.length === 0) return [];
  const opaque = await findOpaque(
    candidates.map((path) => absolutePath(slot.checkout, path)),
    slot.aside,
  );
  if (opaque === null) throw new Error('The marks of directories in an overlay could not be read.');
  return candidates.filter((_, at) => opaque[at]);
}

/** Paths at which the baseline is another than the lower tree: what is not in the upper directory there is gone. */
const readDiffering = (slot: SlotLayout): Set<BytePath> =>
  new Set(existsSync(slot.differing) ? splitRecords(readWholeFile(slot.differing)) : []);
