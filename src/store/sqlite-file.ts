import { chmodSync, closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { type Outcome, refuse, succeed } from '../errors.js';
import { migrate, SCHEMA_VERSION, schemaVersion, UNSETTLED } from './sqlite-schema.js';

/** How long to wait for another process that holds the file, in milliseconds. */
const BUSY_TIMEOUT = 5_000;

/**
 * Memory for pages, in KiB, and the size of the log, in pages of 4 KiB, at which its content moves to the file. Ids
 * fall anywhere in their index: with SQLite's 2 MiB and 1,000 pages, 50,000 inserts took twice as long.
 */
const CACHE_KIBIBYTES = 16 * 1024;
const WRITE_LOG_PAGES = 4_000;

/** What a burst made of the log shrinks to this many bytes afterwards. */
const WRITE_LOG_BYTES = 16 * 1024 * 1024;

/** Files up to this many bytes are checked whole: some tens of milliseconds. Of larger ones what each start reads is. */
const CHECKED_WHOLE_BYTES = 64 * 1024 * 1024;

export interface StoreFile {
  database: DatabaseSyncInstance;
  /** Where a damaged file was moved to, out of the way; null if there was none. */
  setAside: string | null;
}

/**
 * Opens the file at `path`, or makes it (mode 0600, its directory 0700). A damaged one is set aside and a fresh
 * one begun. Refuses `store_newer`, with the file untouched; `store_damaged` when it cannot be set aside; and
 * `store_unavailable` for anything else.
 */
export function openStoreFile(path: string): Outcome<StoreFile> {
  try {
    makePrivate(path);
    const condition = inspect(path);
    if (condition === 'newer') return refuse('store_newer');
    const database = condition === 'sound' ? openUnlessDamaged(path) : null;
    if (database !== null) return succeed({ database, setAside: null });
    const setAside = moveAside(path);
    if (!setAside.ok) return setAside;
    // There is no file now, and SQLite would make one that others may read.
    makePrivate(path);
    return succeed({ database: openForWriting(path), setAside: setAside.value });
  } catch (error) {
    return refuse('store_unavailable', { message: `The store cannot be opened: ${messageOf(error)}.` });
  }
}

/** SQLite gives its companion files the mode of the file itself. The directory is there, or was removed for good. */
function makePrivate(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
}

/** Looks without writing: a connection that may write changes the file even when it only closes. */
function inspect(path: string): 'sound' | 'newer' | 'damaged' {
  // A file that was ever written has a first page, so an empty one beside a log has lost it.
  if (statSync(path).size === 0) return existsSync(`${path}-wal`) ? 'damaged' : 'sound';
  try {
    return withDatabase(path, (database) => {
      if (schemaVersion(database) > SCHEMA_VERSION) return 'newer';
      return isSound(database, path) ? 'sound' : 'damaged';
    });
  } catch (error) {
    if (isDamage(error)) return 'damaged';
    throw error;
  }
}

/** Another connection to a file that is open, or sound. */
export const openForReading = (path: string): DatabaseSyncInstance =>
  new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT });

function withDatabase<Answer>(path: string, look: (database: DatabaseSyncInstance) => Answer): Answer {
  const database = openForReading(path);
  try {
    return look(database);
  } finally {
    database.close();
  }
}

function isSound(database: DatabaseSyncInstance, path: string): boolean {
  if (statSync(path).size > CHECKED_WHOLE_BYTES) {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return true;
  }
  return database.prepare('PRAGMA quick_check(1)').get().quick_check === 'ok';
}

/** SQLITE_CORRUPT and SQLITE_NOTADB, whatever their extension (https://sqlite.org/rescode.html). */
function isDamage(error: unknown): boolean {
  return [11, 26].includes(primaryCode(error));
}

/** SQLITE_BUSY: another process holds the file longer than `BUSY_TIMEOUT`. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === 5;
}

const primaryCode = (error: unknown): number => Number((error as { errcode?: number }).errcode) & 0xff;

/** The companions go first: a crash in between leaves a file that is found damaged again. */
function moveAside(path: string): Outcome<string> {
  const target = `${path}.damaged-${new Date().toISOString()}`;
  try {
    for (const suffix of ['-wal', '-shm', '']) {
      if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
    }
  } catch {
    return refuse('store_damaged');
  }
  return succeed(target);
}

/** Paths of the files that were set aside from `path`, oldest first. Empty if the directory cannot be read. */
export async function findSetAside(path: string): Promise<string[]> {
  const names = await readdir(dirname(path)).catch(() => []);
  const setAside = names.filter(
    (name) => name.startsWith(`${basename(path)}.damaged-`) && !/-(wal|shm)$/.test(name),
  );
  return setAside.sort().map((name) => join(dirname(path), name));
}

/**
 * Those of `jobIds` that the store in the file at `path` does not know: all of them where there is no file, none where
 * it cannot be read.
 */
export function unknownTo(path: string, jobIds: readonly string[]): string[] {
  if (!existsSync(path)) return [...jobIds];
  try {
    return withDatabase(path, (database) => {
      const find = database.prepare('SELECT 1 FROM job WHERE id = ?');
      return jobIds.filter((jobId) => find.get(jobId) === undefined);
    });
  } catch {
    return [];
  }
}

/** Null for a file that was too large to be checked whole, and is damaged where each start reads. */
function openUnlessDamaged(path: string): DatabaseSyncInstance | null {
  try {
    return openForWriting(path);
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

/** A commit is on the disk when it returns (`synchronous=FULL`), and readers never wait for it (WAL). */
function openForWriting(path: string): DatabaseSyncInstance {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: BUSY_TIMEOUT });
  try {
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                   PRAGMA cache_size = -${CACHE_KIBIBYTES}; PRAGMA wal_autocheckpoint = ${WRITE_LOG_PAGES};
                   PRAGMA journal_size_limit = ${WRITE_LOG_BYTES}`);
    migrate(database);
    if (statSync(path).size > CHECKED_WHOLE_BYTES) readAsEachStart(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Throws if what is read whenever a daemon starts is damaged: it would serve nobody, each time. */
function readAsEachStart(database: DatabaseSyncInstance): void {
  // By `get`, for the errors of the driver's `all` have no code.
  database.prepare('SELECT max(seq) FROM sqlite_sequence').get();
  for (const condition of [UNSETTLED, 'announcements_left > 0'])
    database.prepare(`SELECT sum(length(record)) FROM job WHERE ${condition}`).get();
}

/**
 * A function that throws once `path` no longer names the file that it named at first. SQLite would go on writing
 * to a file that was deleted, and what it acknowledged would be gone with the process.
 */
export function placeGuard(path: string): () => void {
  const first = statSync(path);
  return () => {
    const now = statSync(path, { throwIfNoEntry: false });
    if (now?.ino !== first.ino || now.dev !== first.dev) throw new Error('the file of the store is gone');
  };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
