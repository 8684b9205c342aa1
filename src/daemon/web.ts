import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import { ensureToken } from '../http/tokens.js';
import type { Log } from '../log.js';
import type { Mcp } from '../mcp/serve-mcp.js';
import type { House } from '../operations/operation.js';
import type { SiteNeeds } from '../page/site.js';

/** The token that browsers get; `offshoot token --revoke page` shuts them out. */
const PAGE_TOKEN = 'page';

export interface WebNeeds extends SiteNeeds {
  mcp: Mcp;
  house: House;
  log: Log;
}

/** The daemon's HTTP server, which need not be there. */
export interface Web {
  /**
   * Serves where the settings say so. Where they say nothing, but a daemon was killed while it served, its
   * pages wait for the next one at the same address. Null where nothing is to be served.
   */
  start(): Promise<Outcome<string | null>>;
  /** Where the page is, its token in the fragment, which a browser sends nowhere; the server is started if need be. */
  page(): Promise<Outcome<{ url: string; token: string }>>;
  close(): Promise<void>;
}

export function createWeb(settings: Settings, needs: WebNeeds): Web {
  const { house, mcp, log } = needs;
  let serving: { url: string; close(): Promise<void> } | null = null;
  let starting: Promise<Outcome<string | null>> | null = null;

  async function serve(http: Settings['http']): Promise<Outcome<string | null>> {
    if (serving !== null || http === null) return succeed(serving?.url ?? null);
    const [{ serveHttp }, { createSite }] = await Promise.all([
      import('../http/serve-http.js'),
      import('../page/site.js'),
    ]);
    const served = await written(() =>
      serveHttp({ ...settings, http }, { mcp, site: createSite(needs), log, now: () => performance.now() }),
    );
    if (!served.ok) return served;
    serving = served.value;
    return succeed(serving?.url ?? null);
  }

  /** One start at a time. */
  function serveOnce(http: Settings['http']): Promise<Outcome<string | null>> {
    const before = starting?.catch(() => undefined) ?? Promise.resolve();
    starting = before.then(() => serve(http));
    return starting;
  }

  house.httpUrl = async () => {
    await starting?.catch(() => undefined);
    return serving?.url ?? null;
  };

  return {
    async start() {
      if (settings.http !== null) return serveOnce(settings.http);
      const again = await serveOnce(addressLeft(settings.stateDir));
      if (!again.ok) log.info({ fault: again.fault }, 'the page cannot be served where it was');
      return again.ok ? again : succeed(null);
    },
    async page() {
      const served = await serveOnce(settings.http ?? { host: '127.0.0.1', port: 0 });
      if (!served.ok) return served;
      const url = pageAddress(served.value ?? '');
      return written(async () => succeed({ url, token: ensureToken(settings.stateDir, PAGE_TOKEN) }));
    },
    close: async () => serving?.close(),
  };
}

/** Of what writes to the state directory: that it cannot is a refusal. */
async function written<Value>(write: () => Promise<Outcome<Value>>): Promise<Outcome<Value>> {
  try {
    return await write();
  } catch (problem) {
    const { code, errno } = problem as NodeJS.ErrnoException;
    if (errno === undefined) throw problem;
    return refuse('store_unavailable', { message: `The state directory cannot be written (${code}).` });
  }
}

/** A server at all addresses of the machine is at the loopback too. */
function pageAddress(mcpUrl: string): string {
  const address = new URL('/', mcpUrl);
  if (address.hostname === '0.0.0.0') address.hostname = '127.0.0.1';
  if (address.hostname === '[::]') address.hostname = '[::1]';
  return address.href;
}

/** Where a daemon served that had no time to say that it ends. */
function addressLeft(stateDir: string): Settings['http'] {
  try {
    const { hostname, port } = new URL(readFileSync(join(stateDir, 'http'), 'utf8').trim());
    // Only what `page` opens by itself: an address that was configured may no longer be wanted.
    return hostname === '127.0.0.1' && port !== '' ? { host: hostname, port: Number(port) } : null;
  } catch {
    return null;
  }
}
