import { fileURLToPath } from 'node:url';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { RootsListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

/** How long a client may take to name its roots, in milliseconds. */
const ROOTS_TIMEOUT_MS = 2_000;

// The SDK's own schema refuses the whole list for one root that is no file.
const anyRoots = z.object({ roots: z.array(z.object({ uri: z.string() })) });

/**
 * Directory that a client works in: the first root it declares, else where it runs. The client is asked when
 * the first call needs to know, and again once it said that its roots have changed.
 */
export function workspaceOf(server: Server, cwd: string): () => Promise<string> {
  let asked: Promise<string> | null = null;
  server.setNotificationHandler(RootsListChangedNotificationSchema, () => {
    asked = null;
  });
  return () => {
    asked ??= firstRoot(server).then((root) => root ?? cwd);
    return asked;
  };
}

async function firstRoot(server: Server): Promise<string | null> {
  if (server.getClientCapabilities()?.roots === undefined) return null;
  try {
    const { roots } = await server.request({ method: 'roots/list' }, anyRoots, { timeout: ROOTS_TIMEOUT_MS });
    const root = roots.find(({ uri }) => uri.startsWith('file://'));
    return root === undefined ? null : fileURLToPath(root.uri);
  } catch {
    // A client that cannot answer, or names no path of this machine, is like one without roots.
    return null;
  }
}
