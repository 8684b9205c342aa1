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

/** A client that answers none of these is like one without roots: each costs the call that asks its time. */
const MOST_UNANSWERED = 3;

/** Asks the client when the first call needs to know, and keeps what it answers. */
export function clientWorkspace(cwd: string | null): Workspace {
  let asked: Promise<string | null> | null = null;
  let unanswered = 0;

  function firstRoot(ask: AskRoots): Promise<string | null> {
    const asking = ask().then(pathOfFirst, () => {
      unanswered += 1;
      if (unanswered < MOST_UNANSWERED && asked === asking) asked = null;
      return null;
    });
    return asking;
  }

  return {
    async directory(ask) {
      asked ??= firstRoot(ask);
      return (await asked) ?? cwd;
    },
    forget() {
      asked = null;
      unanswered = 0;
    },
  };
}

function pathOfFirst({ roots }: z.infer<typeof anyRoots>): string | null {
  const root = roots.find(({ uri }) => uri.startsWith('file://'));
  try {
    return root === undefined ? null : fileURLToPath(root.uri);
  } catch {
    // It is no path of this machine.
    return null;
  }
}
