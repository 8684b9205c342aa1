import { fileURLToPath } from 'node:url';
import { z } from 'zod';

// The SDK's own schema refuses the whole list for one root that is no file.
export const anyRoots = z.object({ roots: z.array(z.object({ uri: z.string() })) });

/** Asks the client for its roots; rejects when it cannot tell them. */
export type AskRoots = () => Promise<z.infer<typeof anyRoots>>;

export interface Workspace {
  /** Directory the client works in: the first root it declares, else where it runs; null if neither is known. */
  directory(ask: AskRoots): Promise<string | null>;
  /** The client said that its roots have changed: the next call asks again. */
  forget(): void;
}

/** Asks the client when the first call needs to know. */
export function clientWorkspace(cwd: string | null): Workspace {
  let asked: Promise<string | null> | null = null;
  return {
    directory(ask) {
      asked ??= firstRoot(ask).then((root) => root ?? cwd);
      return asked;
    },
    forget() {
      asked = null;
    },
  };
}

async function firstRoot(ask: AskRoots): Promise<string | null> {
  try {
    const { roots } = await ask();
    const root = roots.find(({ uri }) => uri.startsWith('file://'));
    return root === undefined ? null : fileURLToPath(root.uri);
  } catch {
    // A client that cannot answer, or names no path of this machine, is like one without roots.
    return null;
  }
}
