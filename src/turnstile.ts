/** So many begin in one turn of the loop. */
const AT_ONCE = 4;

const waiting: (() => void)[] = [];
let begun = 0;

/**
 * Begins what came, in its order and a few in a turn of the loop; at once while there is little. Between two turns the
 * loop hears of what was committed or read meanwhile, so that in a burst the first are answered while the last wait.
 */
export function inTurn(begin: () => void): void {
  if (begun === AT_ONCE || waiting.length > 0) {
    waiting.push(begin);
    return;
  }
  if (begun === 0) setImmediate(nextTurn);
  begun += 1;
  begin();
}

function nextTurn(): void {
  begun = Math.min(AT_ONCE, waiting.length);
  if (begun > 0) setImmediate(nextTurn);
  for (let left = begun; left > 0; left -= 1) waiting.shift()?.();
}
