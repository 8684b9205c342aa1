import type { Writable } from 'node:stream';

/** Keeps what is open and the token that it was opened with, until it is closed. */
export function openByToken(isGood: (token: string) => boolean) {
  const open = new Map<Writable, string>();
  return {
    watch(stream: Writable, token: string): void {
      open.set(stream, token);
      stream.once('close', () => open.delete(stream));
    },
    /** Ends what a token has open that is no longer good; to be called from time to time. */
    sweep(): void {
      for (const [stream, token] of open) if (!isGood(token)) stream.destroy();
    },
  };
}

export type OpenByToken = ReturnType<typeof openByToken>;
