import { loadSettings, type SettingLine } from '../config.js';
import { type Outcome, succeed } from '../errors.js';
import { configFile } from '../state-directory.js';
import { conclude } from './answer.js';
import { type Command, jsonFlag } from './command.js';
import { exitCodes } from './exit-codes.js';
import { columns } from './layout.js';
import { jsonDocument, paint, print, printableValue } from './terminal.js';

export const config: Command = {
  name: 'config',
  parameters: '',
  summary: 'Show every setting, where it comes from and what it means.',
  details:
    'A running daemon keeps the settings it was started with; `offshoot stop` makes the next one read them.',
  words: { atLeast: 0, atMost: 0 },
  flags: [jsonFlag],
  async run({ flags }) {
    const json = flags.json === true;
    return conclude(await show(json), json);
  },
};

async function show(json: boolean): Promise<Outcome<number>> {
  const loaded = loadSettings();
  if (!loaded.ok) return loaded;
  const { lines } = loaded.value;
  const file = configFile();
  await print(
    json ? jsonDocument({ ok: true, file, settings: lines }) : describeSettings(printableValue(lines), file),
  );
  return succeed(exitCodes.ok);
}

/** The settings for people. */
function describeSettings(lines: readonly SettingLine[], file: string): string {
  const rows = lines.map(
    ({ key, value, source, variable, description }) =>
      [
        `${key} = ${value ?? '(not set)'}`,
        `${paint('dim', `[${source}]`)} ${description} ${variable}`,
      ] as const,
  );
  return [`Configuration file: ${file}`, '', ...columns(rows), ''].join('\n');
}
