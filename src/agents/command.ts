import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config.js';
import { type Outcome, refuse, succeed } from '../errors.js';
import type {
  AgentConclusion,
  AgentExit,
  AgentReader,
  Launch,
  LaunchJob,
  OwnProcessBackend,
  Readiness,
} from './agent.js';
import { ceilingFor } from './ceiling.js';
import { killedBy } from './exit-status.js';
import { plainCause, plainLine, plainText } from './plain-text.js';

const SHELL = '/bin/sh';
const SUMMARY_CHARACTERS = 4_096;
const ACTIVITY_CHARACTERS = 120;

/**
 * Backend that runs `settings.command` with `sh -c` in the worktree, the task on its standard input. It has
 * the user's environment and no sandbox: whoever sets the command answers for it.
 */
export const command = (): OwnProcessBackend => ({
  preflight,
  account: async () => succeed({ models: [], model: null, effort: null, limits: null }),
  launch,
  reader: () => new CommandReader(),
  // A command has no threads.
  adopt: async () => true,
  spent: async () => null,
  tidy: async () => undefined,
});

async function preflight(settings: Settings): Promise<Outcome<Readiness>> {
  if (settings.command === null) return refuse('command_not_set');
  return succeed({
    program: SHELL,
    version: null,
    loggedIn: null,
    sandbox: null,
    notes: ['The command backend runs without a sandbox.'],
  });
}

async function launch(job: LaunchJob, settings: Settings): Promise<Outcome<Launch>> {
  if (settings.command === null) return refuse('command_not_set');
  const temporary = join(job.jobDirectory, 'tmp');
  mkdirSync(temporary, { recursive: true, mode: 0o700 });
  return succeed({
    command: [SHELL, '-c', settings.command],
    input: job.task,
    environment: {
      ...withoutOurs(settings.environment),
      TMPDIR: temporary,
      OFFSHOOT_JOB_ID: job.jobId,
      ...ceilingFor(job.worktree),
    },
  });
}

/** Git's own variables would lead the command's git to the caller's repository. */
function withoutOurs(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(OFFSHOOT|GIT)_/.test(name)));
}

/** Every line is an event; the last lines are the summary. */
class CommandReader implements AgentReader {
  #events = 0;
  #lastEventAt: number | null = null;
  #activity: string | null = null;
  readonly #tail: string[] = [];
  #tailCharacters = 0;

  line(line: string, at: number): void {
    this.#events += 1;
    this.#lastEventAt = at;
    const said = plainText(line, SUMMARY_CHARACTERS);
    if (said.trim() === '') return;
    this.#activity = plainLine(said, ACTIVITY_CHARACTERS);
    this.#tail.push(said);
    this.#tailCharacters += said.length + 1;
    while (this.#tailCharacters > SUMMARY_CHARACTERS + 1) {
      this.#tailCharacters -= (this.#tail.shift() ?? '').length + 1;
    }
  }

  progress() {
    return { events: this.#events, lastEventAt: this.#lastEventAt, activity: this.#activity, usage: null };
  }

  /** A plain command has no heartbeat: only the deadline bounds it. */
  mayBeSilent(): boolean {
    return true;
  }

  /** A command tells by its end. */
  turnHasEnded(): boolean {
    return false;
  }

  /** What a command prints has no messages in it. */
  lastMessage(): null {
    return null;
  }

  conclude(exit: AgentExit): AgentConclusion {
    return {
      failure: failureOf(exit),
      summary: this.#tail.length === 0 ? null : this.#tail.join('\n'),
      threadId: null,
      usage: null,
      warnings: [],
    };
  }
}

function failureOf(exit: AgentExit): AgentConclusion['failure'] {
  if (exit.status === 0) return null;
  const killed = killedBy(exit);
  if (killed !== null) return { code: 'agent_killed', message: `The command ${killed}.` };
  const lastWords = exit.stderr.split('\n').findLast((line) => line.trim() !== '');
  const said = lastWords === undefined ? '' : `: ${lastWords}`;
  return { code: 'agent_exited', message: plainCause(`The command ended with status ${exit.status}${said}`) };
}
