import { ROOT_CONTEXT, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { isSettled, type JobRecord, type JournalEntry } from '../job/record.js';
import type { Supervisor } from '../job/supervisor.js';

/**
 * Tells OpenTelemetry of each job that ended: a span for the job, and one below it for each state it was in.
 * Without a provider, which only the user's own code can register, nothing is read and nothing is told.
 */
export function traceJobs(supervisor: Supervisor, version: string): void {
  const tracer = trace.getTracer('offshoot', version);
  supervisor.subscribe(({ record }) => {
    if (isSettled(record.state))
      void tellJob(tracer, record, () => supervisor.journal(record.id)).catch(() => undefined);
  });
}

async function tellJob(
  tracer: Tracer,
  record: JobRecord,
  readJournal: () => Promise<JournalEntry[]>,
): Promise<void> {
  const span = tracer.startSpan('offshoot.job', {
    root: true,
    startTime: record.entered.queued ?? 0,
    attributes: {
      'offshoot.job.id': record.id,
      'offshoot.job.state': record.state,
      'offshoot.job.attempts': record.context.attempt,
      'offshoot.job.backend': record.submission.backend,
    },
  });
  // Without a provider, or where it samples this job out: nobody will look at the states.
  if (!span.isRecording()) return;
  const { ending } = record.context;
  if (ending !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: ending.code });
  for (const { state, from, to } of visitsOf(await readJournal())) {
    tracer
      .startSpan(
        `offshoot.${state}`,
        { startTime: from, attributes: { 'offshoot.job.id': record.id } },
        trace.setSpan(ROOT_CONTEXT, span),
      )
      .end(to);
  }
  span.end(record.entered[record.state]);
}

/** The states a job was in, one after the other. An entry that enters the state it was in is no visit. */
function visitsOf(journal: readonly JournalEntry[]): { state: string; from: number; to: number }[] {
  const entries = journal.filter(({ state }, index) => state !== journal[index - 1]?.state);
  return entries
    .slice(0, -1)
    .map(({ state, at }, index) => ({ state, from: at, to: entries[index + 1]?.at ?? at }));
}
