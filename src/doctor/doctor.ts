import { existsSync } from 'node:fs';
import { loadSettings, misspeltVariables } from '../config.js';
import { errorTable } from '../errors.js';
import { configFile } from '../state-directory.js';
import { lookAtAgent } from './agent.js';
import { lookAtDaemon } from './daemon.js';
import { type Finding, problem, warning, well } from './finding.js';
import { lookAtMachine } from './machine.js';
import { lookAtState } from './state.js';

/** Looks at everything that a job needs on this machine. No daemon is started, no model asked, nothing spent. */
export async function examine(): Promise<Finding[]> {
  const loaded = loadSettings();
  if (!loaded.ok) return [problem('settings', loaded.fault.message, errorTable[loaded.fault.code].advice)];
  const { settings } = loaded.value;
  const looks = await Promise.all([
    lookAtMachine(settings),
    lookAtState(settings),
    lookAtDaemon(settings),
    lookAtAgent(settings),
  ]);
  const file = configFile();
  const origin = existsSync(file) ? file : `no ${file}: the environment and the defaults hold`;
  return [well('settings', origin), ...lookAtVariables(), ...looks.flat()];
}

function lookAtVariables(): Finding[] {
  return misspeltVariables().map(({ variable, meant }) =>
    warning('environment', `${variable} is no setting`, `Set ${meant} instead, if that was meant.`),
  );
}
