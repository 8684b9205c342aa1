import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createWeb } from '../../src/daemon/web.js';
import { createInspection } from '../../src/inspect/inspection.js';
import { systemClock } from '../../src/job/clock.js';
import { mcpService } from '../../src/mcp/serve-mcp.js';
import { createMetrics } from '../../src/metrics/metrics.js';
import { operations } from '../../src/operations/index.js';
import { status } from '../../src/operations/status.js';
import { silentLog as log } from '../support/link-toys.js';
import { makeCall } from '../support/operations.js';

it('a daemon that is about to serve HTTP tells where, and not that it does not', async () => {
  const call = makeCall();
  const { house } = call;
  const settings = { ...house.settings, http: { host: '127.0.0.1', port: 0 } };
  const inspection = createInspection({
    supervisor: house.supervisor,
    settings,
    clock: systemClock,
    version: '0',
  });
  const mcp = mcpService({ operations, house, log });
  const metrics = createMetrics('0');
  const web = createWeb(settings, { operations, house, inspection, metrics, mcp, log });
  const started = web.start();
  const told = await status.handle({}, call);
  const served = await started;
  assert.ok(told.ok && served.ok);
  assert.match(served.value ?? '', /^http:\/\/127\.0\.0\.1:\d+\//);
  assert.equal(told.value.daemon.http, served.value);
  inspection.close();
  await web.close();
});
