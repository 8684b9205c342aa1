import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ShellOutput, STATUS_DIGITS, type Take, telling } from './shell-output.js';

/** A program to run: all that it gets, and nothing else. Paths are absolute, and no text holds a NUL. */
export interface Command {
  /** The program, found by the environment's PATH, and its arguments. */
  words: readonly string[];
  directory: string;
  environment: Readonly<Record<string, string>>;
  /** File for its standard input; an empty one unless set. */
  inputFile?: string;
  /** For its data and for those of each program that it starts; as much as the machine has unless set. */
  maxMemoryBytes?: number;
}

/** How a command ended. */
export interface CommandEnd {
  /** As shells tell it: 127 when there is no such program, above 128 after a signal. Null when the shell itself ended. */
  status: number | null;
  /** The system's code when no shell could be started. */
  systemCode: string;
}

const IDLE_MS = 10_000;
const SECRET_BYTES = 12;
const TURN_DIGITS = 8;

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
  private readonly output: ShellOutput;
  private readonly errors: ShellOutput;
  /** No program can know it, so none can write a mark. */
  private readonly secret = randomBytes(SECRET_BYTES).toString('hex');
  private turns = 0;
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
    this.output = new ShellOutput(this.process.stdout);
    this.errors = new ShellOutput(this.process.stderr);
    this.keepAwake(false);
  }

  /** Undefined where it could not be started. */
  get pid(): number | undefined {
    return this.process.pid;
  }

  /** Runs one command. Both outputs are taken to their ends; without a `take`'s consent the shell is killed. */
  async run(command: Command, takeOutput: Take, takeErrors: Take): Promise<CommandEnd> {
    clearTimeout(this.idleTimer);
    if (this.process.pid === undefined) return this.neverStarted();
    const mark = this.nextMark();
    const kill = () => this.kill();
    this.keepAwake(true);
    try {
      this.process.stdin?.write(`${scriptOf(command, mark)}\n`);
      const [status] = await Promise.all([
        this.output.readTo(mark, telling(takeOutput, kill)),
        this.errors.readTo(mark, telling(takeErrors, kill)),
      ]);
      if (status === null) kill();
      return { status, systemCode: this.systemCode };
    } catch (error) {
      kill();
      throw error;
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

  private nextMark(): string {
    this.turns += 1;
    return this.secret + String(this.turns).padStart(TURN_DIGITS, '0');
  }
}

/** The command in the language of shells, and after it the mark and its status on both outputs. */
function scriptOf(command: Command, mark: string): string {
  const { words, directory, environment, inputFile = '/dev/null', maxMemoryBytes } = command;
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${quote(value)}`);
  const program = [...variables, ...words.map(quote), `<${quote(inputFile)}`].join(' ');
  // Set and set back: a shell of its own for the limit would take a tenth longer.
  const [limit, noLimit] =
    maxMemoryBytes === undefined
      ? ['', '']
      : [
          `: "\${limit:=$(ulimit -S -d)}"; ulimit -S -d ${Math.floor(maxMemoryBytes / 1024)} 2>/dev/null; `,
          'ulimit -S -d "$limit"; ',
        ];
  const tell = `printf '${mark}%0${STATUS_DIGITS}d' "$status"`;
  // The shell's own variables are not the program's; and it must not stay where nobody may be.
  const run = `cd ${quote(directory)} && unset PWD OLDPWD && ${program}`;
  return `${limit}${run}; status=$?; ${noLimit}cd /; ${tell} >&2; ${tell}`;
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
