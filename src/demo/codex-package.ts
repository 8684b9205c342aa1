import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * The setting that names the Codex CLI installed beside Offshoot, as in a development checkout; nothing where
 * there is none, so that the one on PATH is found.
 */
export async function programOfPackage(): Promise<Record<string, string>> {
  try {
    const require = createRequire(import.meta.url);
    const program = join(dirname(require.resolve('@openai/codex/package.json')), 'bin', 'codex.js');
    await access(program);
    return { OFFSHOOT_CODEX_PATH: program };
  } catch {
    return {};
  }
}
