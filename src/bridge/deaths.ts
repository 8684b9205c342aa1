/** A daemon that held this long was well: the deaths before its own do not count. */
const SOUND_LIFE_MS = 60_000;
/** So many that die in a row are replaced without being asked for: half a minute of trying. */
const MOST_REPLACED = 5;
const SECOND_PAUSE_MS = 2_000;

/** Counts the daemons that died soon after their start, one after the other. */
export function deathsInARow() {
  let count = 0;
  return {
    /** Notes a death, after `livedMs`. Gives the pause before the next daemon, in milliseconds; null for none. */
    pauseAfter(livedMs: number): number | null {
      count = livedMs < SOUND_LIFE_MS ? count + 1 : 1;
      if (count > MOST_REPLACED) return null;
      return count === 1 ? 0 : SECOND_PAUSE_MS * 2 ** (count - 2);
    },
    count: () => count,
  };
}
