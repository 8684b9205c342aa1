/**
 * The thread that alone writes to the file. A batch is whatever has arrived while the one before was committed:
 * a lone write never waits for company, and under load the batches grow by themselves, so that one flush to the
 * disk serves many writes.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { succeed } from '../errors.js';
import { type Answered, batchTaker } from './sqlite-batch.js';
import { openStoreFile, placeGuard } from './sqlite-file.js';
import type { Opening, StoreMessage, StoreRequest, TableRequest } from './sqlite-messages.js';
import type { RecordRow } from './sqlite-rows.js';
import { createJobTables } from './sqlite-tables.js';

function serve(port: MessagePort, database: DatabaseSyncInstance, path: string): void {
  const post = (message: StoreMessage) => port.postMessage(message);
  const tables = createJobTables(database);
  const perform = ({ call, parameters }: TableRequest): unknown =>
    (tables[call] as (...parameters: readonly unknown[]) => unknown)(...parameters);
  const takeBatch = batchTaker({ database, perform, assertInPlace: placeGuard(path) });

  const line: TableRequest[] = [];
  const pages = new Map<number, Iterator<RecordRow[]>>();
  let awake = false;
  let closing = false;

  const wake = () => {
    if (!awake) setImmediate(work);
    awake = true;
  };

  const work = () => {
    awake = false;
    for (const answered of takeBatch(line)) answer(answered);
    if (line.length > 0) wake();
    else if (closing && pages.size === 0) close();
  };

  const answer = (answered: Answered) => {
    const { id, call } = answered.request;
    if ('problem' in answered) return post({ id, problem: answered.problem });
    if (call !== 'unsettled') return post({ id, value: answered.value });
    pages.set(id, (answered.value as Iterable<RecordRow[]>)[Symbol.iterator]());
    // One ahead of what is asked for, so that neither thread waits for the other.
    sendPage(id);
    sendPage(id);
  };

  const sendPage = (id: number) => {
    const page = pages.get(id)?.next();
    if (page === undefined) return;
    if (page.done === false) return post({ id, rows: page.value });
    pages.delete(id);
    post({ id, value: [] });
  };

  const close = () => {
    database.close();
    port.close();
  };

  port.on('message', (request: StoreRequest) => {
    if ('nextPageOf' in request) sendPage(request.nextPageOf);
    else if (request.call === 'close') closing = true;
    else line.push(request);
    wake();
  });
}

function start(port: MessagePort, path: string): void {
  const file = openStoreFile(path);
  const opening: Opening = file.ok ? succeed({ setAside: file.value.setAside }) : file;
  port.postMessage(opening);
  if (file.ok) serve(port, file.value.database, path);
}

if (parentPort !== null) start(parentPort, workerData.path);
