/**
 * The thread that alone writes to the file. A batch is whatever has arrived while the one before was committed:
 * a lone write never waits for company, and under load the batches grow by themselves, so that one flush to the
 * disk serves many writes.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { succeed } from '../errors.js';
import { type Answered, batchTaker } from './sqlite-batch.js';
import { messageOf, openForReading, openStoreFile, placeGuard } from './sqlite-file.js';
import type { Opening, StoreMessage, StoreRequest, TableRequest } from './sqlite-messages.js';
import type { RecordRow } from './sqlite-rows.js';
import { createJobTables } from './sqlite-tables.js';

function serve(port: MessagePort, database: DatabaseSyncInstance, path: string): void {
  const post = (messages: readonly StoreMessage[]) => {
    if (messages.length > 0) port.postMessage(messages);
  };
  const tables = createJobTables(database, () => openForReading(path));
  const perform = ({ call, parameters }: TableRequest): unknown =>
    (tables[call] as (...parameters: readonly unknown[]) => unknown)(...parameters);
  const takeBatch = batchTaker({ database, perform, assertInPlace: placeGuard(path) });

  const line: TableRequest[] = [];
  const pages = new Map<number, Iterator<RecordRow[]>>();
  let closing = false;

  const takeWhatElseArrived = () => {
    for (let more = receiveMessageOnPort(port); more !== undefined; more = receiveMessageOnPort(port))
      take(more.message);
  };

  const take = (requests: readonly StoreRequest[]) => {
    for (const request of requests) {
      if ('nextPageOf' in request) post(nextPage(request.nextPageOf));
      else if (request.call === 'close') closing = true;
      else line.push(request);
    }
  };

  const answersTo = (answered: Answered): StoreMessage[] => {
    const { id, call } = answered.request;
    if ('problem' in answered) return [{ id, problem: answered.problem }];
    if (call !== 'unsettled') return [{ id, value: answered.value }];
    pages.set(id, (answered.value as Iterable<RecordRow[]>)[Symbol.iterator]());
    // One ahead of what is asked for, so that neither thread waits for the other.
    return [...nextPage(id), ...nextPage(id)];
  };

  /** A page, or what comes behind the last; nothing once that was sent. */
  const nextPage = (id: number): StoreMessage[] => {
    try {
      const page = pages.get(id)?.next();
      if (page === undefined) return [];
      if (page.done !== true) return [{ id, rows: page.value }];
      pages.delete(id);
      return [{ id, value: [] }];
    } catch (error) {
      pages.delete(id);
      return [{ id, problem: messageOf(error) }];
    }
  };

  const close = () => {
    database.close();
    port.close();
  };

  port.on('message', (requests: StoreRequest[]) => {
    take(requests);
    do {
      takeWhatElseArrived();
      post(takeBatch(line).flatMap(answersTo));
    } while (line.length > 0);
    if (closing && pages.size === 0) close();
  });
}

function start(port: MessagePort, path: string): void {
  const file = openStoreFile(path);
  const opening: Opening = file.ok ? succeed({ setAside: file.value.setAside }) : file;
  port.postMessage(opening);
  if (file.ok) serve(port, file.value.database, path);
}

if (parentPort !== null) start(parentPort, workerData.path);
