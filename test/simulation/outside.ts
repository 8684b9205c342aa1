import type { Promises } from './promises.js';
import type { Random } from './random.js';
import type { Timeline } from './timeline.js';

export type AgentEnd = 'done' | 'failed' | 'passing' | 'killed' | 'stopped';

export interface Agent {
  jobId: string;
  attempt: number;
  repository: string;
  /** `starting` while its launcher is at work: that goes on, whoever asked for it. */
  state: 'starting' | 'alive' | 'dead';
  end: AgentEnd | null;
  stopping: boolean;
}

/** An agent that does not obey is killed this long after it was asked. */
const GRACE_MS = 5_000;

/** The machine around the daemons: agents and worktrees, which live on when a daemon dies. */
export class Outside {
  readonly worktrees = new Set<string>();
  /** The agents of each job, one an attempt. */
  readonly #agents = new Map<string, Agent[]>();
  readonly #watchers = new Map<Agent, (() => void)[]>();

  constructor(
    readonly timeline: Timeline,
    readonly random: Random,
    readonly promises: Promises,
    /** How far the machine's clock has jumped. */
    readonly jumped: () => number,
  ) {}

  find(jobId: string, attempt: number): Agent | null {
    return this.#agents.get(jobId)?.find((agent) => agent.attempt === attempt) ?? null;
  }

  /** Every agent that a job ever had and that is not dead. */
  living(jobId: string): Agent[] {
    return (this.#agents.get(jobId) ?? []).filter(({ state }) => state !== 'dead');
  }

  launch(jobId: string, attempt: number, repository: string, deadlineAt: number): Agent {
    const agent: Agent = { jobId, attempt, repository, state: 'starting', end: null, stopping: false };
    this.#agents.set(jobId, [...(this.#agents.get(jobId) ?? []), agent]);
    this.timeline.after(this.random.between(2, 60), () => this.#begin(agent, deadlineAt));
    return agent;
  }

  #begin(agent: Agent, deadlineAt: number): void {
    if (agent.state === 'dead') return;
    agent.state = 'alive';
    this.promises.agentStarted(agent);
    const left = deadlineAt + 1_000 - this.timeline.now - this.jumped();
    this.timeline.after(left, () => this.stop(agent));
    if (agent.stopping) this.#obey(agent);
    const { random } = this;
    const hangs = random.chance(0.03);
    if (hangs) return;
    const end = random.chance(0.8) ? 'done' : random.pick<AgentEnd>(['failed', 'passing', 'killed']);
    this.timeline.after(random.chance(0.9) ? random.between(20, 2_000) : random.between(2_000, 40_000), () =>
      this.#die(agent, end),
    );
  }

  /** Asks an agent to end; it obeys, or is killed after its grace. */
  stop(agent: Agent): void {
    if (agent.stopping || agent.state === 'dead') return;
    agent.stopping = true;
    if (agent.state === 'alive') this.#obey(agent);
  }

  #obey(agent: Agent): void {
    const wait = this.random.chance(0.7) ? this.random.between(1, 300) : GRACE_MS;
    this.timeline.after(wait, () => this.#die(agent, 'stopped'));
  }

  kill(agent: Agent): void {
    this.#die(agent, 'killed');
  }

  #die(agent: Agent, end: AgentEnd): void {
    if (agent.state === 'dead') return;
    agent.state = 'dead';
    agent.end = end;
    this.promises.agentDied(agent);
    for (const watcher of this.#watchers.get(agent) ?? []) watcher();
    this.#watchers.delete(agent);
  }

  whenDead(agent: Agent, callback: () => void): void {
    if (agent.state === 'dead') callback();
    else this.#watchers.set(agent, [...(this.#watchers.get(agent) ?? []), callback]);
  }

  /** All that is known of a job's agents, once the job is gone for good. */
  forget(jobId: string): void {
    this.#agents.delete(jobId);
  }
}
