import type { LogEntry } from '../agents/log-entry.js';

const MOST_ENTRIES = 2_000;

/** Keeps an entry, in the place of an earlier one with its id; of all only the newest. */
export function keepEntry(entries: Map<string, LogEntry>, entry: LogEntry): void {
  entries.set(entry.id, entry);
  if (entries.size <= MOST_ENTRIES) return;
  const [oldest] = entries.keys();
  if (oldest !== undefined) entries.delete(oldest);
}
