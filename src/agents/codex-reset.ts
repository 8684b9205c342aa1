const MINUTE_MS = 60_000;
/** What is told to be further away than the longest window of any plan is no reset. */
const FURTHEST_MS = 366 * 24 * 60 * MINUTE_MS;
/** Milliseconds in each unit that a wait is told in. */
const UNITS: readonly (readonly [name: RegExp, milliseconds: number])[] = [
  [/^(ms|millis)/, 1],
  [/^s/, 1_000],
  [/^m/, MINUTE_MS],
  [/^h/, 60 * MINUTE_MS],
  [/^d/, 24 * 60 * MINUTE_MS],
];
const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
/** `1:15 PM` for the same day, `Nov 24th, 2026 8:49 PM` for another; local time, the minute it falls into. */
const AT =
  /\btry again at (?:(?<month>[a-z]{3})[a-z]* (?<day>\d{1,2})(?:st|nd|rd|th)?, (?<year>\d{4}) )?(?<hour>\d{1,2}):(?<minute>\d\d) (?<half>[ap]m)\b/i;
/** `2s`, `1m30s`, `6 minutes`, `3 days 4 hours`. */
const IN = /\btry again in ((?:\d+(?:\.\d+)? ?[a-z]+[, ]*)+)/i;

/**
 * The instant from which the model may be asked again, as Codex 0.169 tells it in the message of a limit that was
 * hit at the instant `at`; null where it tells none within a year. A minute that is named counts to its end. Instants
 * are milliseconds since the epoch.
 */
export function resetInstant(message: string, at: number): number | null {
  const named = AT.exec(message)?.groups;
  const wait = IN.exec(message)?.[1];
  const reset = named === undefined ? wait && at + lengthOf(wait) : endOfMinute(named, new Date(at));
  return reset && Math.abs(reset - at) <= FURTHEST_MS ? reset : null;
}

function endOfMinute(named: Record<string, string | undefined>, today: Date): number | null {
  const month = named.month === undefined ? today.getMonth() : MONTHS.indexOf(named.month.toLowerCase());
  const hour = (Number(named.hour) % 12) + (named.half?.toLowerCase() === 'pm' ? 12 : 0);
  const [year, day] = [named.year ?? today.getFullYear(), named.day ?? today.getDate()].map(Number);
  if (month === -1) return null;
  return new Date(year as number, month, day, hour, Number(named.minute)).getTime() + MINUTE_MS;
}

/** Parts without a unit that is known count nothing. */
function lengthOf(wait: string): number {
  const parts = [...wait.toLowerCase().matchAll(/(\d+(?:\.\d+)?) ?([a-z]+)/g)];
  const length = ([, count, unit = '']: RegExpMatchArray) =>
    Number(count) * (UNITS.find(([name]) => name.test(unit))?.[1] ?? 0);
  return parts.reduce((sum, part) => sum + length(part), 0);
}
