import { stripVTControlCharacters, styleText } from 'node:util';
import { exitCodes } from './exit-codes.js';

type Colour = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** Whoever reads our output may go away at any time, for example `head`: that is no error. A full disk is one. */
export function surviveBrokenPipe(): void {
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(exitCodes.ok);
    process.stderr.write(`error: Standard output cannot be written (${code}).\n`);
    process.exit(exitCodes.refused);
  });
  process.stderr.on('error', () => process.exit(exitCodes.refused));
}

/** Writes to standard output; resolves with the exit code for all well, once the bytes have left the process. */
export function print(output: string | Buffer): Promise<number> {
  return flush(process.stdout, output).then(() => exitCodes.ok);
}

export function complain(text: string): Promise<void> {
  return flush(process.stderr, text);
}

/** Never resolves when the write fails: what that means is decided by the stream's error listener. */
const flush = (stream: NodeJS.WriteStream, output: string | Buffer) =>
  new Promise<void>((resolve) => {
    stream.write(output, (error) => {
      if (!error) resolve();
    });
  });

/** Colours a text for standard output; the terminal itself knows NO_COLOR. */
export function paint(colour: Colour, text: string): string {
  return process.stdout.isTTY && process.stdout.hasColors() ? styleText(colour, text) : text;
}

/** A line that is written over and over on a terminal; without one, nothing is shown. */
export const liveLine = {
  show(text: string): void {
    if (!process.stderr.isTTY) return;
    const line = printable(text)
      .replace(/\s+/g, ' ')
      .slice(0, (process.stderr.columns || 80) - 1);
    process.stderr.write(`\r\x1b[K${line}`);
  },
  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  },
};

/** A text that can do nothing to a terminal: escape sequences and control characters are taken out. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text).replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, '');

/** The same value with every text in it made printable. */
export function printableValue<T>(value: T): T {
  if (typeof value === 'string') return printable(value) as T;
  if (Array.isArray(value)) return value.map(printableValue) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [printable(key), printableValue(item)]),
  ) as T;
}

/** One JSON document. What JSON leaves as it is but a terminal may obey is escaped. */
export function jsonDocument(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  return `${text.replace(/[\x7f-\x9f]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`)}\n`;
}
