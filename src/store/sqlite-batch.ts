import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { isBusy, messageOf } from './sqlite-file.js';
import type { StoreCall, TableRequest } from './sqlite-messages.js';

/** The first of a long line of writes waits no longer than this for those behind it, in milliseconds. */
const LONGEST_BATCH = 20;

const writes: ReadonlySet<StoreCall> = new Set<StoreCall>([
  'create',
  'save',
  'takeUnannounced',
  'announced',
  'remove',
  'forgetKeys',
]);

export type Answered = { request: TableRequest; value: unknown } | { request: TableRequest; problem: string };

interface BatchTools {
  database: DatabaseSyncInstance;
  perform(request: TableRequest): unknown;
  /** Throws when the file must not be written to. */
  assertInPlace(): void;
}

/**
 * A function that takes requests off the front of a line, at least one, and performs them in order under a single
 * commit. Their answers are durable when they are returned. If anything fails, all is undone and each request is
 * performed again under a commit of its own, so that only what is broken is rejected.
 */
export function batchTaker({ database, perform, assertInPlace }: BatchTools) {
  const performWithin = (request: TableRequest): unknown => {
    if (writes.has(request.call) && !database.isTransaction) {
      assertInPlace();
      database.exec('BEGIN IMMEDIATE');
    }
    return perform(request);
  };

  const commit = () => {
    if (database.isTransaction) database.exec('COMMIT');
  };

  const undo = () => {
    if (database.isTransaction) database.exec('ROLLBACK');
  };

  const performAlone = (request: TableRequest): Answered => {
    try {
      const value = performWithin(request);
      commit();
      return { request, value };
    } catch (error) {
      undo();
      return { request, problem: messageOf(error) };
    }
  };

  return (line: TableRequest[]): Answered[] => {
    const until = performance.now() + LONGEST_BATCH;
    const answered: Answered[] = [];
    try {
      for (const request of line) {
        if (performance.now() > until) break;
        answered.push({ request, value: performWithin(request) });
        // It is read from what is committed.
        if (request.call === 'unsettled') break;
      }
      commit();
      line.splice(0, answered.length);
      return answered;
    } catch (error) {
      undo();
      const attempted = line.splice(0, answered.length + 1);
      // Each of them would wait as long again for whoever holds the file.
      if (isBusy(error)) return attempted.map((request) => ({ request, problem: messageOf(error) }));
      return attempted.map(performAlone);
    }
  };
}
