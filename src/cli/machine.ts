import { type Command, jsonFlag } from './command.js';
import { columns } from './layout.js';
import { jsonDocument, print } from './terminal.js';

interface State {
  description?: string;
  states?: Record<string, State>;
}

export const machine: Command = {
  name: 'machine',
  parameters: '',
  summary: "Show the statechart of a job; with --json as the configuration that Stately's editor imports.",
  words: { atLeast: 0, atMost: 0 },
  flags: [jsonFlag],
  async run({ flags }) {
    // It needs XState, which no other command should wait for.
    const { machineDefinition } = await import('../inspect/definition.js');
    const definition: State = JSON.parse(machineDefinition());
    return print(
      flags.json === true ? jsonDocument(definition) : `${columns(leaves(definition)).join('\n')}\n`,
    );
  },
};

/** The states a job can be in, with what they mean. */
const leaves = ({ states = {} }: State): [string, string][] =>
  Object.entries(states).flatMap(([name, state]) =>
    state.states === undefined ? [[name, state.description ?? ''] as [string, string]] : leaves(state),
  );
