import { z } from 'zod';
import { refuse, succeed } from '../errors.js';
import type { Control } from '../ipc/serve-operations.js';
import type { Supervisor } from '../job/supervisor.js';

const stopInput = z.strictObject({ now: z.boolean().default(false) });

/**
 * The daemon's own verb `daemon.stop`, and a promise that tells when the daemon is to leave. A drained daemon answers
 * `daemon.stop` after its `lastAnswers`: nothing but its end is left then.
 */
export function createStopControl(
  supervisor: Supervisor,
  lastAnswers: () => Promise<void>,
): { control: Control; asked: Promise<string> } {
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
        if (!parsed.data.now) {
          await supervisor.drain();
          await lastAnswers();
        }
        // The answer goes out first.
        setImmediate(() => leave(parsed.data.now ? 'stop now' : 'drained'));
        return succeed({ ok: true, drained: !parsed.data.now });
      },
    },
  };
}
