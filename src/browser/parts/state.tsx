import type { State } from '../swarm.js';

/** A state as a coloured dot and its name. */
export function StateMark({ state, ending }: { state: State; ending?: string | null }) {
  const settled = ending === state;
  return (
    <span class={`state state-${state}`}>
      <span class="dot" aria-hidden="true" />
      {state}
      {ending && !settled ? <span class="stopping"> → {ending}</span> : null}
    </span>
  );
}
