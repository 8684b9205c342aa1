import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryDirectory } from '../support/directory.js';
import { commandLine } from '../support/offshoot.js';

describe('a demo', () => {
  let root: string;
  let temporary: string;
  /** Holds a `node` for the agent that never ends: what ends a demo while its agent runs may come late. */
  let endless: string;
  let remove: () => Promise<void>;
  before(async () => {
    ({ path: root, remove } = await temporaryDirectory());
    temporary = join(root, 'tmp');
    endless = join(root, 'endless');
    await mkdir(temporary);
    await mkdir(endless);
    await writeFile(join(endless, 'node'), '#!/bin/sh\nexec sleep 600\n');
    await chmod(join(endless, 'node'), 0o755);
  });
  after(() => remove());

  /** Starts a demo in a process group of its own, as a shell does. */
  const startDemo = (programs = dirname(process.execPath)) =>
    spawn(process.execPath, [commandLine, 'demo'], {
      env: {
        PATH: `${programs}:/usr/local/bin:/usr/bin:/bin`,
        HOME: root,
        TMPDIR: temporary,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });

  /** Resolves once the demo has said so. */
  const said = async ({ stdout }: ReturnType<typeof startDemo>, words: string) => {
    let text = '';
    for await (const chunk of stdout.iterator({ destroyOnReturn: false })) {
      text += chunk;
      if (text.includes(words)) return;
    }
    assert.fail(`It never said ${words}: ${text}`);
  };

  /** Resolves once its bridge starts a daemon. What tells it stays: a moment would be missed on a busy machine. */
  const startsDaemon = async () => {
    for (;;) {
      const [own = ''] = await readdir(temporary);
      if (existsSync(join(temporary, own, 'state', 'logs', 'daemon-start.log'))) return;
      await delay(2);
    }
  };

  const endOf = async (demo: ReturnType<typeof startDemo>) => {
    let complaints = '';
    demo.stderr.on('data', (chunk) => {
      complaints += chunk;
    });
    const [status] = await once(demo, 'close');
    return { status, complaints };
  };

  const nothingIsLeft = async () => {
    // A daemon that was stopped is still on its way out.
    while ((await processesNaming(temporary)).length > 0) await delay(20);
    assert.deepEqual(await readdir(temporary), []);
  };

  it('shows a job to its end, complains of nothing, and leaves no process and no file', async () => {
    const demo = startDemo();
    const ended = endOf(demo);
    await said(demo, 'git apply --check takes the patch');
    demo.stdout.resume();
    assert.deepEqual(await ended, { status: 0, complaints: '' });
    await nothingIsLeft();
  });

  type Demo = ReturnType<typeof startDemo>;
  const starts = () => startsDaemon();
  const runs = (demo: Demo) => said(demo, '→ running');
  // As a terminal does: its bridge gets the signal too.
  const signal = (name: NodeJS.Signals) => (demo: Demo) => process.kill(-(demo.pid as number), name);
  const endings: Record<string, [(demo: Demo) => Promise<void>, (demo: Demo) => void]> = {
    'is interrupted while its daemon starts': [starts, signal('SIGINT')],
    'is interrupted while its agent runs': [runs, signal('SIGINT')],
    'loses its terminal while its agent runs': [runs, signal('SIGHUP')],
    'nobody reads any more while its agent runs': [runs, ({ stdout }) => stdout.destroy()],
  };
  for (const [ending, [reached, end]] of Object.entries(endings)) {
    it(`that ${ending} leaves no process and no file`, async () => {
      const demo = startDemo(endless);
      const ended = endOf(demo);
      await reached(demo);
      demo.stdout.resume();
      end(demo);
      assert.deepEqual(await ended, { status: 1, complaints: '' });
      await nothingIsLeft();
    });
  }
});

/** Processes that have the directory in their environment: a daemon, and agents. */
async function processesNaming(directory: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const variables = await Promise.all(
    ids.map((id) => readFile(`/proc/${id}/environ`, 'latin1').catch(() => '')),
  );
  return ids.filter((_, index) => variables[index]?.includes(directory));
}
