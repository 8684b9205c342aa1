import { type LoadedSettings, loadSettings } from '../config.js';
import { type Outcome, succeed } from '../errors.js';
import type { SettingKey } from '../settings-schema.js';

/**
 * The settings that a daemon would have which is started now by a client with these variables, and that this one, with
 * its own `loaded` as it started, has otherwise. Both have what was `given` to this one on its command line, and the
 * state directory. Refuses as `loadSettings` does, of which the next daemon would die.
 */
export function differingSettings(
  { settings, lines }: LoadedSettings,
  variables: Readonly<Record<string, string>>,
  given: Partial<Record<SettingKey, string>> = {},
): Outcome<SettingKey[]> {
  const others = Object.entries(settings.environment).filter(([name]) => !name.startsWith('OFFSHOOT_'));
  const next = loadSettings(
    { ...Object.fromEntries(others), ...variables },
    { ...given, state_dir: settings.stateDir },
  );
  if (!next.ok) return next;
  const nextValues = new Map(next.value.lines.map(({ key, value }) => [key, value]));
  return succeed(lines.filter(({ key, value }) => nextValues.get(key) !== value).map(({ key }) => key));
}
