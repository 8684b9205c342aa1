import type { OwnProcessBackend } from './agent.js';
import { askCodexAccount } from './codex-account.js';
import { CodexReader } from './codex-events.js';
import { adoptThreads, tidyCodexHome } from './codex-home.js';
import { launchCodex } from './codex-launch.js';
import { checkCodex } from './codex-preflight.js';
import { readSpent } from './codex-thread.js';

/** Backend that runs `codex exec --json`, one process a job, in Codex's own sandbox. */
export const codexExec = (): OwnProcessBackend => ({
  preflight: checkCodex,
  account: askCodexAccount,
  launch: launchCodex,
  adopt: adoptThreads,
  spent: readSpent,
  reader: () => new CodexReader(),
  tidy: tidyCodexHome,
});
