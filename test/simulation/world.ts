import { setImmediate as turn } from 'node:timers/promises';
import type { Settings } from '../../src/config.js';
import { createSupervisor } from '../../src/job/job-supervisor.js';
import type { Store } from '../../src/store/store.js';
import { testSettings } from '../support/house.js';
import { Clients } from './clients.js';
import { Disk } from './disk.js';
import { Figures } from './figures.js';
import { Life } from './life.js';
import { Outside } from './outside.js';
import { withPorts } from './ports.js';
import { Promises } from './promises.js';
import { Random } from './random.js';
import { SimulatedStages } from './stages.js';
import { Timeline } from './timeline.js';

/** A daemon that is wrong on purpose: what it has in place of the parts that keep the promises. */
export interface Mutant {
  store?(store: Store, random: Random): Store;
  kept?(): Store;
  stages?: typeof SimulatedStages;
  settings?(settings: Settings): Settings;
  life?: typeof Life;
}

export interface WorldReport {
  seed: number;
  /** Identity of all that came about: the same seed gives the same. */
  hash: string;
  /** The first promise that did not hold, and when; null if all did. */
  broken: string | null;
  figures: Record<string, number>;
  /** The last lines of what came about: instant, number of the job, what. */
  trace: readonly string[];
}

/** How late a deadline may fire while nothing is wrong with disk and clock. */
const PATIENCE_MS = 8_000;
/** Until when a clock that jumped has been noticed. */
const NOTICED_MS = 32_000;
/** All jobs have settled long before, or never will. */
const LONGEST_MS = 6 * 3_600_000;

/** One machine with its disk, agents, clients and faults, all from one seed. */
class World {
  readonly timeline = new Timeline();
  readonly figures = new Figures();
  readonly random: Random;
  readonly promises: Promises;
  readonly outside: Outside;
  readonly disk: Disk;
  readonly clients: Clients;
  readonly #mutant: Mutant;
  readonly #limits: { maxRunning: number; maxRunningPerRepo: number; maxQueued: number };
  readonly #started: number;
  #life: Life | null = null;
  #crashDisk: () => void = () => undefined;
  #jumped = 0;
  /** Instant until which disk or clock excuse a deadline that is late. */
  #troubleUntil = 0;
  #quiet = false;

  constructor(seed: number, jobs: number, mutant: Mutant) {
    this.#mutant = mutant;
    this.random = new Random(seed);
    const { timeline, random, figures } = this;
    this.#started = timeline.now;
    this.promises = new Promises(
      () => this.#now(),
      (jobId) => this.outside.worktrees.has(jobId),
    );
    this.outside = new Outside(timeline, random, this.promises, () => this.#jumped);
    this.disk = new Disk(this.promises, random, mutant.kept?.());
    this.disk.failed = () => figures.count('write failed');
    const maxRunning = random.between(2, 12);
    this.#limits = {
      maxRunning,
      maxRunningPerRepo: random.between(1, maxRunning),
      maxQueued: random.pick([20, 100, 1_000]),
    };
    this.clients = new Clients({
      timeline,
      random,
      figures,
      promises: this.promises,
      jobs,
      repositories: random.between(1, 6),
      longestPause: random.pick([1_000, 8_000, 8_000, 20_000]),
      life: () => this.#life,
    });
    this.#boot();
    this.#scheduleFaults();
    this.#watchDeadlines();
  }

  #now(): number {
    return this.timeline.now + this.#jumped;
  }

  /** Waits until all is quiet: everything submitted has settled. */
  async run(): Promise<void> {
    const { timeline, promises } = this;
    while (promises.broken === null && !(this.#over() && this.#life?.supervisor?.isIdle())) {
      if (this.#over() && !this.#quiet) this.#quiet = true;
      if (timeline.now - this.#started > LONGEST_MS) {
        const stuck = [...promises.open][0];
        promises.hold(false, 'every accepted job settles', stuck);
        break;
      }
      timeline.step();
      // Everything that follows at this instant follows in microtasks.
      await turn();
    }
    promises.hold(promises.alive.size === 0, 'no agent is left');
    promises.hold(
      [...this.outside.worktrees].every((id) => promises.jobs.get(id)?.diffBroke),
      'no worktree is left',
    );
  }

  #over(): boolean {
    return this.clients.finished && this.promises.open.size === 0;
  }

  delay(milliseconds: number): Promise<void> {
    return this.#life?.sleep(milliseconds) ?? new Promise(() => undefined);
  }

  #boot(): void {
    const { timeline, random, promises, outside, figures, disk } = this;
    const life = new (this.#mutant.life ?? Life)(timeline, () => this.#jumped);
    this.#life = life;
    const factor = random.chance(0.3) ? random.next() : 1;
    const limits = {
      maxRunning: Math.max(1, Math.ceil(this.#limits.maxRunning * factor)),
      maxRunningPerRepo: Math.max(1, Math.ceil(this.#limits.maxRunningPerRepo * factor)),
      maxQueued: this.#limits.maxQueued,
    };
    promises.booting(limits);
    const { store, crash } = disk.connect(life);
    this.#crashDisk = crash;
    const settings = testSettings('/simulated', {
      ...limits,
      queueSeconds: 600,
      resultTtlSeconds: 120,
    });
    const faults = { threadLost: 0.04, broken: 0.004 };
    const Stages = this.#mutant.stages ?? SimulatedStages;
    const pool = new Stages(life, outside, promises, random, faults, (fault) => figures.count(fault));
    createSupervisor({
      store: this.#mutant.store?.(store, random) ?? store,
      pool,
      clock: life.clock,
      settings: this.#mutant.settings?.(settings) ?? settings,
      log: { error: () => undefined },
    }).then((supervisor) => {
      life.supervisor = supervisor;
      life.bootedAt = this.#now();
      supervisor.subscribe((view) => promises.announced(view));
    });
  }

  #crash(): void {
    const life = this.#life;
    if (life === null) return;
    this.figures.count('crash');
    this.promises.note('crash', null);
    this.#crashDisk();
    life.alive = false;
    this.#life = null;
    this.clients.daemonDied();
    this.timeline.after(
      this.random.chance(0.7) ? this.random.between(1, 500) : this.random.between(1, 20_000),
      () => this.#boot(),
    );
  }

  /** Stops on purpose, as for an upgrade: what is on its way to the disk still arrives. */
  #restart(): void {
    const supervisor = this.#life?.supervisor;
    if (supervisor == null) return;
    this.figures.count('restart');
    supervisor.close();
    const life = this.#life;
    if (life === null) return;
    life.supervisor = null;
    this.timeline.after(2_500, () => {
      if (this.#life === life) this.#crash();
    });
  }

  #scheduleFaults(): void {
    const { random } = this;
    const every = (longest: number, fault: () => void) => {
      const again = () =>
        this.timeline.after(random.between(1, longest), () => {
          if (this.#quiet) return;
          fault();
          again();
        });
      again();
    };
    every(random.pick([20_000, 120_000, 600_000]), () => this.#crash());
    every(400_000, () => this.#restart());
    every(120_000, () => this.#upsetDisk());
    every(60_000, () => this.#killAgent());
    if (random.chance(0.3)) every(200_000, () => this.#jump());
  }

  #upsetDisk(): void {
    const { random, disk, figures } = this;
    const failure = random.pick(['none', 'before', 'after'] as const);
    disk.mood = { slowness: random.between(10, 2_000), failure };
    figures.count(failure === 'none' ? 'slow disk' : 'full disk');
    const lasts = random.between(10, 6_000);
    this.#troubleUntil = Math.max(this.#troubleUntil, this.timeline.now + lasts + 5_000);
    this.timeline.after(lasts, () => {
      disk.mood = { slowness: 10, failure: 'none' };
    });
  }

  #killAgent(): void {
    const [agent] = this.promises.alive;
    if (agent === undefined) return;
    this.figures.count('agent killed');
    this.outside.kill(agent);
  }

  #jump(): void {
    this.#troubleUntil = Math.max(this.#troubleUntil, this.timeline.now + NOTICED_MS);
    this.figures.count('clock jump');
    this.#jumped += this.random.between(1, 60_000);
    this.promises.note('clock jump', null);
  }

  #watchDeadlines(): void {
    this.timeline.after(2_000, () => {
      const life = this.#life;
      if (life?.supervisor != null && this.timeline.now > this.#troubleUntil)
        this.promises.checkDeadlines(life.bootedAt, PATIENCE_MS);
      this.#watchDeadlines();
    });
  }

  report(seed: number): WorldReport {
    const { figures, promises, timeline } = this;
    figures.count('jobs', promises.jobs.size);
    figures.count('events', timeline.steps);
    for (const [state, times] of Object.entries(promises.endings)) figures.count(state, times);
    return {
      seed,
      hash: promises.hash.toString(16),
      broken: promises.broken,
      figures: figures.counts,
      trace: promises.trace,
    };
  }
}

/** Lets one world run until `jobs` jobs have been accepted and all has come to rest. */
export async function simulate(seed: number, jobs: number, mutant: Mutant = {}): Promise<WorldReport> {
  const world = new World(seed, jobs, mutant);
  const ports = { delay: (milliseconds: number) => world.delay(milliseconds), remove: async () => undefined };
  await withPorts(ports, () => world.run());
  return world.report(seed);
}
