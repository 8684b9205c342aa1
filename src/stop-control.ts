import { z } from 'zod';
import { refuse, succeed } from './errors.js';
import type { Control } from './ipc/serve-operations.js';
import type { House } from './operations/operation.js';

const stopInput = z.strictObject({ now: z.boolean().default(false) });

/** The daemon's own verb `daemon.stop`, and a promise that tells when the daemon is to leave. */
export function createStopControl(house: House): { control: Control; asked: Promise<string> } {
  let leave: (reason: string) => void = () => undefined;
  const asked = new Promise<string>((resolve) => {
    leave = resolve;
  });
  return {
    asked,
    control: {
      /** Drains first, unless it is to stop now: then agents go on, and the next daemon takes them up. */
      'daemon.stop': async (input) => {
        const parsed = stopInput.safeParse(input);
        if (!parsed.success) return refuse('invalid_arguments');
        if (!parsed.data.now) await house.supervisor.drain();
        // The answer goes out first.
        setImmediate(() => leave(parsed.data.now ? 'stop now' : 'drained'));
        return succeed({ ok: true, drained: !parsed.data.now });
      },
    },
  };
}
