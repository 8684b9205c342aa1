import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** A program to run: all that it gets, and nothing else. Paths are absolute, and no text holds a NUL. */
export interface Command {
  /** The program, found by the environment's PATH, and its arguments. */
  words: readonly string[];
  directory: string;
  environment: Readonly<Record<string, string>>;
  /** File for its standard input; an empty one unless set. */
  inputFile?: string;
}

/** How a command ended. */
export interface CommandEnd {
  /** As shells tell it: 127 when there is no such program, above 128 after a signal. Null when the shell itself ended. */
  status: number | null;
  /** The system's code when no shell could be started. */
  systemCode: string;
}

/**
 * Takes output as it comes, in its order; the last few bytes only when there are more, or the command has ended.
 * Answers false when it wants no more.
 */
export type Take = (chunk: Buffer) => boolean | Promise<boolean>;

const IDLE_MS = 10_000;
const MARK_BYTES = 16;
const STATUS_DIGITS = 3;

/** Shells of this thread that wait for a command, the one used last at the end. */
const idle: Shell[] = [];

/** A shell for one command; give it back with `rest`. */
export const takeShell = (): Shell => idle.pop() ?? new Shell();

/**
 * A small process that starts programs for this one. To start a program, a process is copied first, and that
 * takes as long as the process is large: a shell does it three times faster than a thread of Node. It runs
 * one command at a time, holds nothing of an earlier one, and ends by itself when this process does.
 */
export class Shell {
  /** Where no more files could be opened, it has no streams. */
  private readonly process: ChildProcess;
  private systemCode = '';
  private ended = false;
  private idleTimer: NodeJS.Timeout | undefined;

  constructor() {
    // A process group of its own: whatever a command starts ends with it.
    this.process = spawn('/bin/sh', { cwd: '/', env: {}, detached: true });
    this.process.once('error', (error: NodeJS.ErrnoException) => this.hasEnded(error.code));
    this.process.once('exit', () => this.hasEnded());
    // A shell that ended early reads nothing any more.
    this.process.stdin?.on('error', () => {});
    this.keepAwake(false);
  }

  /** Runs one command. Both outputs are taken to their ends; without a `take`'s consent the shell is killed. */
  async run(command: Command, takeOutput: Take, takeErrors: Take): Promise<CommandEnd> {
    clearTimeout(this.idleTimer);
    if (this.process.pid === undefined) return this.neverStarted();
    const mark = randomBytes(MARK_BYTES).toString('hex');
    this.keepAwake(true);
    try {
      this.process.stdin?.write(`${scriptOf(command, mark)}\n`);
      const [status] = await Promise.all([
        this.readToMark(this.process.stdout, mark, takeOutput),
        this.readToMark(this.process.stderr, mark, takeErrors),
      ]);
      if (status === null) this.kill();
      return { status, systemCode: this.systemCode };
    } finally {
      this.keepAwake(false);
    }
  }

  /** Without a process, or without files for its outputs, there is an error, told in the next turn. */
  private async neverStarted(): Promise<CommandEnd> {
    await nextTurn();
    return { status: null, systemCode: this.systemCode };
  }

  /** Ends the shell and all that its command started. Then the run ends too. */
  kill(): void {
    this.ended = true;
    const { pid, stdout, stderr } = this.process;
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
    // Whoever still holds the other ends is not waited for.
    stdout?.destroy();
    stderr?.destroy();
  }

  /** The command has ended; the next one may come. */
  rest(): void {
    if (this.ended) return;
    idle.push(this);
    this.idleTimer = setTimeout(() => this.endIdle(), IDLE_MS).unref();
  }

  /** At rest, a shell keeps no thread from ending. */
  private keepAwake(awake: boolean): void {
    const { stdin, stdout, stderr } = this.process;
    // Pipes are sockets here, but not in their type.
    const handles = [this.process, stdin, stdout, stderr] as ({ ref?(): void; unref?(): void } | null)[];
    for (const handle of handles) awake ? handle?.ref?.() : handle?.unref?.();
  }

  private endIdle(): void {
    this.hasEnded();
    this.process.stdin?.end();
  }

  private hasEnded(systemCode = ''): void {
    this.ended = true;
    this.systemCode ||= systemCode;
    const place = idle.indexOf(this);
    if (place >= 0) idle.splice(place, 1);
  }

  /** The status that follows the mark; null when the stream ends without one. */
  private async readToMark(stream: Readable | null, mark: string, take: Take): Promise<number | null> {
    if (!stream) return null;
    const markAndStatus = mark.length + STATUS_DIGITS;
    let held: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
        const bytes: Buffer = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
        const end = Math.max(0, bytes.length - markAndStatus);
        const marked = bytes.toString('latin1', end, end + mark.length) === mark;
        // The mark may be cut in two, so as much as it is long waits for the next chunk.
        if (end > 0 && !(await take(bytes.subarray(0, end)))) this.kill();
        if (marked) return Number(bytes.toString('latin1', end + mark.length));
        held = bytes.subarray(end);
      }
    } catch (error) {
      this.kill();
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    }
    if (held.length > 0 && !this.ended) await take(held);
    return null;
  }
}

/** The command in the language of shells, and after it the mark and its status on both outputs. */
function scriptOf({ words, directory, environment, inputFile = '/dev/null' }: Command, mark: string): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${quote(value)}`);
  const program = [...variables, ...words.map(quote), `<${quote(inputFile)}`].join(' ');
  const tell = `printf '${mark}%0${STATUS_DIGITS}d' "$status"`;
  // The shell's own variables are not the program's; and it must not stay where nobody may be.
  return `cd ${quote(directory)} && unset PWD OLDPWD && ${program}; status=$?; cd /; ${tell} >&2; ${tell}`;
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
