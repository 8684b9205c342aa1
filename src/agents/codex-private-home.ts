import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../config.js';
import type { Outcome } from '../errors.js';
import { codexEnvironment } from './codex-environment.js';
import { makeCodexDirectories } from './codex-home.js';
import { findCodex } from './codex-program.js';
import { type CodexUserConfig, readUserConfig } from './codex-user-config.js';
import type { ProbeOptions } from './probe.js';
import { removeAtEnd } from './watched-process.js';

/** What a look at Codex needs: the program, the user's configuration, and how to start it. */
export interface CodexAtHand {
  program: string;
  user: CodexUserConfig;
  options: ProbeOptions;
}

/**
 * Looks at Codex as a job would find it, in a private home that is removed again, also where this process is killed.
 * Refuses with `codex_not_found`.
 */
export async function inPrivateHome<Seen>(
  settings: Settings,
  signal: AbortSignal,
  look: (codex: CodexAtHand) => Promise<Outcome<Seen>>,
): Promise<Outcome<Seen>> {
  const program = await findCodex(settings);
  if (!program.ok) return program;
  const user = await readUserConfig(settings.codexHome);
  const directory = await mkdtemp(join(tmpdir(), 'offshoot-codex-'));
  const removed = removeAtEnd(directory, settings.environment);
  try {
    const directories = await makeCodexDirectories(directory, settings.codexHome);
    if (!directories.ok) return directories;
    const environment = codexEnvironment(settings.environment, directories.value, user.credentials).variables;
    return await look({ program: program.value, user, options: { environment, directory, signal } });
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    removed();
  }
}
