import type { ServerResponse } from 'node:http';
import type { Inspection } from '../inspect/inspection.js';
import { beginLines, sendJson } from './respond.js';

/** A line comes at least this often, so that the page knows that it is connected. */
const BEAT_MS = 5_000;

/** Sends the feed to a page, a JSON document a line: the opening, frames, and beats in between. */
export function streamFeed(response: ServerResponse, inspection: Inspection, called: () => void): void {
  const line = (value: object) => response.write(`${JSON.stringify(value)}\n`);
  const watch = inspection.feed.watch({ send: (frame) => line(frame) });
  if (watch === null) {
    sendJson(response, 503, { message: 'Too many pages are open.' });
    return;
  }
  beginLines(response);
  line(inspection.opening());
  const beat = setInterval(() => {
    // Somebody looks on: the daemon is of use.
    called();
    line({ kind: 'beat', at: Date.now(), sample: inspection.history.samples().at(-1) ?? null });
  }, BEAT_MS);
  response.on('drain', () => watch.resume());
  response.once('close', () => {
    clearInterval(beat);
    watch.close();
  });
}
