import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { command } from '../../src/agents/command.js';
import { attemptLayout } from '../../src/job/layout.js';
import { openChannel } from '../../src/stages/channel.js';
import { followAgent } from '../../src/stages/follow-agent.js';
import { startAgent } from '../../src/stages/start-agent.js';
import { temporaryDirectory } from '../support/house.js';

const BOUND = 1024 * 1024;

describe('an agent', () => {
  it('that writes more than the bound is ended, on standard output and on standard error', async () => {
    for (const [index, flood] of ['flood; exec sleep 60', 'flood >&2; exec sleep 60'].entries()) {
      const temporary = await temporaryDirectory();
      const { port1, port2 } = new MessageChannel();
      try {
        const jobId = `${process.pid}${index}`.padStart(32, 'f');
        const files = attemptLayout(temporary.path, jobId, 1);
        await mkdir(files.directory, { recursive: true });
        const started = await startAgent(
          { jobId, files, view: [], directory: temporary.path, deadlineAt: Date.now() + 60_000 },
          {
            // Bounded: were this test cut short, nobody would stop it.
            command: ['/bin/sh', '-c', `flood() { yes | head -c 50000000; }; ${flood}`],
            input: '',
            environment: { PATH: '/usr/bin:/bin', TMPDIR: join(temporary.path, 'tmp') },
          },
        );
        assert.ok(started.ok);
        const output = await followAgent({
          jobId,
          agent: started.value,
          reader: command().reader(),
          files,
          silenceMs: 60_000,
          maximumOutputBytes: BOUND,
          stopping: false,
          retryAfterMs: () => null,
          channel: openChannel(port2),
        });
        assert.ok(!output.ok);
        assert.equal(output.code, 'output_too_large');
        assert.match(output.message, /more than 1 MiB/);
      } finally {
        port1.close();
        await temporary.remove();
      }
    }
  });
});
