import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./store-writer.js', import.meta.url));

/** The writer in a process of its own, with what it has said so far. */
export class WriterProcess {
  readonly said: string[] = [];
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines;

  constructor(path: string) {
    this.#child = spawn(process.execPath, [program, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    // A killed process leaves what it had not read.
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#lines.on('line', (line) => this.said.push(line));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  write(sequences: readonly number[]): void {
    this.#child.stdin.write(sequences.map((sequence) => `${sequence}\n`).join(''));
  }

  /** Resolves once the process has said so many lines, or exactly these words. */
  async hear(wanted: number | string): Promise<void> {
    const heard = () =>
      typeof wanted === 'number' ? this.said.length >= wanted : this.said.includes(wanted);
    while (!heard()) await once(this.#lines, 'line');
  }

  /** SIGKILL; resolves once the process is gone and all it said is heard. */
  async kill(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }

  /** Lets the process close its store and end. */
  async finish(): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.stdin.end();
    await closed;
  }
}
