/** So many begin in one turn of the loop. */
const AT_ONCE = 4;

const coming: (() => void)[] = [];
/** Before those, and the last is next: to take the first out of a list of many thousands costs what all of them do. */
let next: (() => void)[] = [];
let begun = 0;

/**
 * Begins what came, in its order and a few in a turn of the loop; at once while there is little. Between two turns the
 * loop hears of what was committed or read meanwhile, so that in a burst the first are answered while the last wait.
 */
export function inTurn(begin: () => void): void {
  if (begun === AT_ONCE || waiting() > 0) {
    coming.push(begin);
    return;
  }
  if (begun === 0) setImmediate(nextTurn);
  begun += 1;
  begin();
}

const waiting = (): number => next.length + coming.length;

function nextTurn(): void {
  begun = Math.min(AT_ONCE, waiting());
  if (begun > 0) setImmediate(nextTurn);
  for (let left = begun; left > 0; left -= 1) {
    if (next.length === 0) next = coming.splice(0).reverse();
    next.pop()?.();
  }
}
