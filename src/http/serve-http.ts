import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config.js';
import { type Outcome, succeed } from '../errors.js';
import { type HttpListener, type HttpRequest, listenHttp } from './listen-http.js';
import { DEFAULT_TOKEN_NAME, ensureToken, tokenNames } from './tokens.js';

/**
 * Serves HTTP where the settings say so; null where they do not. There is a token before anybody can connect, and
 * the file `http` of the state directory says where the server is for as long as it serves. Rejects with what the
 * system says when the state directory cannot be written; then nothing is served.
 */
export async function serveHttp(
  { http, stateDir }: Settings,
  needs: Pick<HttpRequest, 'mcp' | 'site' | 'log' | 'now'>,
): Promise<Outcome<Pick<HttpListener, 'url' | 'close'> | null>> {
  if (http === null) return succeed(null);
  if (tokenNames(stateDir).length === 0) ensureToken(stateDir, DEFAULT_TOKEN_NAME);
  const listening = await listenHttp({ address: http, stateDir, ...needs });
  if (!listening.ok) return listening;
  const { url, close } = listening.value;
  const file = join(stateDir, 'http');
  try {
    rmSync(file, { force: true });
    writeFileSync(file, `${url}\n`, { mode: 0o600 });
  } catch (error) {
    await close();
    throw error;
  }
  needs.log.info({ url }, 'HTTP is served');
  return succeed({
    url,
    async close() {
      rmSync(file, { force: true });
      await close();
    },
  });
}
