import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { JobContext, JobState } from '../../machines/job.js';
import { type Outcome, refuse, succeed } from '../../src/errors.js';
import { Endings } from '../../src/job/endings.js';
import { jobLayout } from '../../src/job/layout.js';
import { newRecord } from '../../src/job/new-record.js';
import { isSettled, type JobRecord, type JournalEntry, type Submission } from '../../src/job/record.js';
import type { JobView, SubmitRequest, Supervisor } from '../../src/job/supervisor.js';
import type { Call, House } from '../../src/operations/operation.js';
import { lastingDirectory } from './directory.js';
import { submission, testSettings } from './house.js';

/** An instant for tests: everything happens around it. */
export const NOON = Date.UTC(2026, 0, 1, 12);

/** A repository with one commit. */
export function temporaryRepository(): string {
  const directory = lastingDirectory();
  const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: directory, GIT_CONFIG_NOSYSTEM: '1' };
  const git = (...parameters: string[]) =>
    execFileSync('git', parameters, { cwd: directory, env: environment });
  git('init', '--quiet');
  git('config', 'user.name', 't');
  git('config', 'user.email', 't@example.org');
  git('commit', '--quiet', '--allow-empty', '-m', 'first');
  return directory;
}

/** A record in a state; a settled one went through all states, a second in each. */
export function makeRecord(
  id: string,
  state: JobState,
  context: Partial<JobContext> = {},
  over: Partial<JobRecord['submission']> = {},
): JobRecord {
  const path: JobState[] = isSettled(state)
    ? ['queued', 'worktree', 'running', 'diffing', state]
    : ['queued', state];
  const accepted = newRecord(submission({ backend: 'codex-exec', ...over }), 1, NOON, 60);
  return {
    ...accepted,
    id,
    state,
    context: { ...accepted.context, jobId: id, ...context },
    entered: Object.fromEntries(path.map((entered, index) => [entered, NOON + index * 1_000])),
  };
}

/** A supervisor that keeps records in memory and runs nothing; jobs move when a test moves them. */
export class QuietSupervisor implements Supervisor {
  readonly records = new Map<string, JobRecord>();
  readonly requests: SubmitRequest[] = [];
  isFull = false;
  readonly journals = new Map<string, JournalEntry[]>();
  private readonly listeners = new Set<(view: JobView) => void>();
  private readonly endings = new Endings();
  private waiting = 0;

  put(record: JobRecord): JobRecord {
    this.records.set(record.id, record);
    for (const listener of this.listeners) listener(view(record));
    if (isSettled(record.state)) this.endings.ended(record.id);
    return record;
  }

  async submit(requests: readonly SubmitRequest[]) {
    this.requests.push(...requests);
    const records = requests.map(({ submission }) => {
      const id = createHash('md5').update(String(this.records.size)).digest('hex');
      return this.put(makeRecord(id, 'queued', {}, submission));
    });
    return succeed(records.map(view));
  }

  async look(jobId: string) {
    const record = this.records.get(jobId);
    return record === undefined ? null : view(record);
  }

  async startedBy(key: string) {
    const records = [...this.records.values()];
    return records.find(({ submission }) => submission.idempotencyKey === key)?.id ?? null;
  }

  /** For whom a call asked whether there is room. */
  readonly askedRoomFor: Pick<Submission, 'repository' | 'client'>[] = [];

  nextPlace(): number {
    return 1 + [...this.records.values()].filter(({ state }) => state === 'queued').length;
  }

  roomFor(place: Pick<Submission, 'repository' | 'client'>): Outcome<null> {
    this.askedRoomFor.push(place);
    return this.isFull ? refuse('queue_full') : succeed(null);
  }

  position(record: JobRecord): number | null {
    return view(record).queuePosition;
  }

  async list({
    repository,
    state,
    label,
    groupId,
    limit,
    before = Number.POSITIVE_INFINITY,
  }: Parameters<Supervisor['list']>[0]) {
    return [...this.records.values()]
      .filter((record) => repository === undefined || record.submission.repository === repository)
      .filter((record) => state === undefined || record.state === state)
      .filter((record) => label === undefined || record.submission.label === label)
      .filter((record) => groupId === undefined || record.submission.groupId === groupId)
      .filter((record) => record.sequence < before)
      .sort((left, right) => right.sequence - left.sequence)
      .slice(0, limit)
      .map(view);
  }

  holdsFiles() {
    return false;
  }

  async journal(jobId: string) {
    return this.journals.get(jobId) ?? [];
  }

  async cancel(jobId: string, message: string) {
    const record = this.records.get(jobId);
    if (record === undefined) return null;
    if (isSettled(record.state)) return view(record);
    const ending = { kind: 'cancelled' as const, code: 'cancelled', message };
    return view(this.put({ ...record, context: { ...record.context, ending } }));
  }

  async settled(...[jobIds, mode, signal, milliseconds]: Parameters<Supervisor['settled']>) {
    const pending = (id: string) => !isSettled(this.records.get(id)?.state ?? 'done');
    this.waiting += 1;
    const met = await this.endings.wait(jobIds, pending, mode, signal, milliseconds);
    this.waiting -= 1;
    return met;
  }

  follow(jobIds: readonly string[], listener: (changed: JobView) => void) {
    return this.subscribe((changed) => {
      if (jobIds.includes(changed.record.id)) listener(changed);
    });
  }

  subscribe(listener: (changed: JobView) => void) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Who listens or waits still: nobody once every call has ended. */
  get listening(): number {
    return this.listeners.size + this.waiting;
  }

  async remove(jobId: string) {
    const record = this.records.get(jobId);
    return record !== undefined && isSettled(record.state) && this.records.delete(jobId);
  }

  async countByState() {
    const counts = {
      queued: 0,
      worktree: 0,
      running: 0,
      retrying: 0,
      diffing: 0,
      done: 0,
      failed: 0,
      cancelled: 0,
      expired: 0,
    };
    for (const { state } of this.records.values()) counts[state] += 1;
    return counts;
  }

  inspect(): () => void {
    return () => undefined;
  }

  isUnsettled(jobId: string) {
    return this.unsettledIds().includes(jobId);
  }

  unsettledIds(): string[] {
    return [...this.records.values()].filter(({ state }) => !isSettled(state)).map(({ id }) => id);
  }

  isIdle() {
    return [...this.records.values()].every(({ state }) => isSettled(state));
  }

  isDraining() {
    return false;
  }

  async drain() {}

  close() {}
}

const view = (record: JobRecord): JobView => ({
  record,
  queuePosition: record.state === 'queued' ? 1 : null,
  replayed: false,
});

export interface TestCall extends Call {
  house: House & { supervisor: QuietSupervisor };
  reports: string[];
}

/** One call by a client that names no directory of its own, to a house where all is well. */
export function makeCall(more: Partial<Call> = {}, house: Partial<House> = {}): TestCall {
  const reports: string[] = [];
  return {
    origin: { client: 'client', parentJobId: null },
    defaultWorkspace: async () => null,
    signal: new AbortController().signal,
    rest: () => () => undefined,
    listens: true,
    report: (message) => reports.push(message),
    ...more,
    reports,
    house: {
      settings: testSettings(lastingDirectory()),
      preflight: async () =>
        succeed({ program: '/bin/codex', version: '1', loggedIn: true, sandbox: true, notes: [] }),
      account: async () =>
        succeed({
          models: [
            {
              model: 'gpt-test',
              name: 'GPT Test',
              description: 'For tests.',
              efforts: ['low', 'high'],
              defaultEffort: 'low',
            },
          ],
          model: 'gpt-test',
          effort: 'low',
          limits: null,
        }),
      preview: async () =>
        succeed({
          baseCommit: 'c0ffee',
          baselineCommit: 'decaf',
          uncommitted: 1,
          untracked: { taken: 0, left: 2 },
          files: 3,
          bytes: 30,
          submodules: { present: 0, missing: 0 },
          largeFiles: { present: 0, missing: 0 },
          warm: false,
          warnings: ['Mind the gap.'],
        }),
      checkDisk: async () => succeed(null),
      damagedStores: async () => [],
      draining: () => false,
      called: () => undefined,
      begin: () => () => undefined,
      version: '0.0.0',
      startedAt: NOON,
      differingSettings: () => succeed([]),
      httpUrl: async () => null,
      now: () => NOON + 60_000,
      ...house,
      supervisor: new QuietSupervisor(),
    },
  };
}

/** Puts a settled job with this patch into the house, artifacts and all. */
export function putSettledJob(
  call: TestCall,
  patch: Buffer | null,
  context: Partial<JobContext> = {},
): JobRecord {
  const id = createHash('md5').update(String(call.house.supervisor.records.size)).digest('hex');
  const state = context.ending?.kind ?? 'done';
  if (patch === null) return call.house.supervisor.put(makeRecord(id, state, context));
  const layout = jobLayout(call.house.settings.stateDir, id);
  mkdirSync(dirname(layout.patch), { recursive: true });
  writeFileSync(layout.patch, patch);
  const file = {
    path: 'a.txt',
    status: 'modified',
    added: 1,
    removed: 0,
    oldMode: '100644',
    newMode: '100644',
  };
  writeFileSync(layout.files, JSON.stringify([file]));
  const sha256 = createHash('sha256').update(patch).digest('hex');
  const report = { bytes: patch.length, sha256, files: 1, added: 1, removed: 0, warnings: [] };
  return call.house.supervisor.put(makeRecord(id, state, { patch: report, ...context }));
}

export const notReady = async () => refuse('codex_not_found');
