import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { appears } from '../support/git-gate.js';
import { makeOffshoot, type Offshoot } from '../support/offshoot.js';

const command = { OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: 'read _ status; exit $status' };

/** An Offshoot that tells the ends of its jobs to a server, which begins to listen. */
async function tellingTo(server: Server): Promise<Offshoot> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return makeOffshoot({
    environment: { ...command, OFFSHOOT_ON_SETTLED: `http://127.0.0.1:${port}/told` },
  });
}

describe('the end of a job is told', { concurrency: 2 }, () => {
  it("to the user's command, with id, status, label and group", async () => {
    const offshoot = await makeOffshoot({
      environment: {
        ...command,
        OFFSHOOT_ON_SETTLED:
          'echo "$OFFSHOOT_JOB_ID $OFFSHOOT_JOB_STATUS $OFFSHOOT_JOB_LABEL $OFFSHOOT_JOB_GROUP" >"$HOME/told.new"; mv "$HOME/told.new" "$HOME/told"',
      },
    });
    try {
      await offshoot.start();
      const id = await offshoot.delegate('exit 3\n', { label: 'l', group_id: 'g' });
      await appears(join(offshoot.root, 'home'), 'told');
      assert.equal(await readFile(join(offshoot.root, 'home', 'told'), 'utf8'), `${id} failed l g\n`);
    } finally {
      await offshoot.remove();
    }
  });

  it("to the user's URL, again when it did not answer well", async () => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        bodies.push(body);
        response.writeHead(bodies.length === 1 ? 500 : 204).end();
        if (bodies.length === 2) server.emit('told');
      });
    });
    const offshoot = await tellingTo(server);
    try {
      await offshoot.start();
      const told = once(server, 'told');
      const id = await offshoot.delegate('exit 0\n');
      await told;
      assert.deepEqual(JSON.parse(bodies[1] ?? ''), {
        job_id: id,
        status: 'done',
        label: null,
        group_id: null,
      });
    } finally {
      await offshoot.remove();
      server.close();
      server.closeAllConnections();
    }
  });

  it('by the next daemon, when one was killed before it was heard, and by no third', async () => {
    const heard: { jobId: string; response: ServerResponse }[] = [];
    const server = createServer((request, response) => {
      request.once('data', (body) => {
        heard.push({ jobId: JSON.parse(String(body)).job_id, response });
        server.emit('heard');
      });
    });
    const offshoot = await tellingTo(server);
    try {
      await offshoot.start();
      const first = once(server, 'heard');
      const id = await offshoot.delegate('exit 0\n');
      await first;
      await offshoot.kill();
      const second = once(server, 'heard');
      await offshoot.start();
      await second;
      heard[1]?.response.writeHead(204).end();
      const ended = offshoot.ended();
      process.kill(offshoot.pid(), 'SIGTERM');
      await ended;
      await offshoot.start();
      const third = once(server, 'heard');
      const other = await offshoot.delegate('exit 0\n');
      await third;
      heard[2]?.response.writeHead(204).end();
      assert.deepEqual(
        heard.map(({ jobId }) => jobId),
        [id, id, other],
      );
    } finally {
      await offshoot.remove();
      server.close();
      server.closeAllConnections();
    }
  });
});
