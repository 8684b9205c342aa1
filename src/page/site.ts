import type { IncomingMessage, ServerResponse } from 'node:http';
import { envelope } from '../errors.js';
import { readJson } from '../http/body.js';
import { clientGone } from '../http/client-gone.js';
import { isLoopback } from '../http/guard.js';
import type { Site } from '../http/site.js';
import type { Inspection } from '../inspect/inspection.js';
import { statelySocket } from '../inspect/stately-socket.js';
import type { Log } from '../log.js';
import { invoke } from '../operations/invoke.js';
import type { House, Operation } from '../operations/operation.js';
import { isAsset, sendAsset } from './assets.js';
import { streamFeed } from './feed-stream.js';
import { jobDetails } from './job-details.js';
import { streamLog } from './log-stream.js';
import { sendJson } from './respond.js';

export interface SiteNeeds {
  operations: readonly Operation[];
  house: House;
  inspection: Inspection;
  /** What `/metrics` answers. */
  metrics: { contentType: string; render(): Promise<string> };
  log: Log;
}

const MOST_BODY_BYTES = 64 * 1024;
/** Where receivers of Stately's inspection protocol connect. */
const INSPECT_PATH = '/inspect';
const JOB_PATH = /^\/api\/jobs\/([0-9a-f]{32})(\/log)?$/;
const CALL_PATH = /^\/api\/call\/([a-z_]+)$/;

/** The page and what it asks for: the feed, details and logs of jobs, and the operations every client has. */
export function createSite(needs: SiteNeeds): Site {
  const { house, inspection } = needs;
  const stately = statelySocket(inspection.feed, inspection.definition, house.called);

  async function get(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    if (path === '/api/feed') {
      streamFeed(response, inspection, house.called);
      return true;
    }
    if (path === '/api/here') {
      // Of a tab that nobody looks at: the daemon is of use.
      house.called();
      response.writeHead(204).end();
      return true;
    }
    if (path === '/metrics') {
      response
        .writeHead(200, { 'content-type': needs.metrics.contentType })
        .end(await needs.metrics.render());
      return true;
    }
    const [, jobId, log] = JOB_PATH.exec(path) ?? [];
    if (jobId === undefined) return false;
    if (log !== undefined) {
      const from = new URLSearchParams(request.url?.split('?', 2)[1]).get('from');
      return streamLog(response, jobId, from, house);
    }
    const details = await jobDetails(jobId, house);
    if (details !== null) sendJson(response, 200, details);
    return details !== null;
  }

  return {
    isPublic: isAsset,
    async serve(request, response, path) {
      if (!isFromHere(request) && path !== '/metrics') return false;
      if (request.method === 'GET')
        return isAsset(path) ? sendAsset(response, path) : get(request, response, path);
      const tool = request.method === 'POST' ? CALL_PATH.exec(path)?.[1] : undefined;
      if (tool === undefined) return false;
      await call(needs, tool, request, response);
      return true;
    },
    upgrade(request, socket, head, path) {
      if (!isFromHere(request) || path !== INSPECT_PATH) return false;
      stately.accept(request, socket, head);
      return true;
    },
    close: stately.close,
  };
}

/** The page is for whoever sits at this machine, wherever else MCP is served: its connections begin and end here. */
function isFromHere({ socket }: IncomingMessage): boolean {
  const { remoteAddress = '', localAddress } = socket;
  return remoteAddress === localAddress || isLoopback(remoteAddress.replace(/^::ffff:/, ''));
}

async function call(
  { operations, house, log }: SiteNeeds,
  tool: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readJson(request, MOST_BODY_BYTES);
  if ('refusal' in body) {
    const { status, message, headers } = body.refusal;
    response.writeHead(status, headers).end(message);
    return;
  }
  const outcome = await invoke(
    operations,
    tool,
    body.value,
    {
      house,
      origin: { client: 'page', parentJobId: null },
      defaultWorkspace: async () => null,
      signal: clientGone(response),
      rest: () => () => undefined,
      listens: false,
      report: () => undefined,
    },
    log,
  );
  sendJson(response, 200, outcome.ok ? outcome.value : envelope(outcome.fault));
}
