import type { ComponentChild } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { JobRow } from '../../inspect/frames.js';
import { Chart } from '../chart/chart.js';
import { clockTime, count, duration, placeName, shortId } from '../format.js';
import { AgentLog } from '../parts/agent-log.js';
import { AnswerView } from '../parts/answer.js';
import { CancelButton } from '../parts/cancel.js';
import { StateMark } from '../parts/state.js';
import { type LoadedPatch, loadPatch } from '../patch/load.js';
import { Patch } from '../patch/patch.js';
import { pathTo } from '../route.js';
import { isSettled, now, type State, swarm, useSwarm } from '../swarm.js';
import { type JobDetails, useDetails } from '../use-details.js';
import { useWide } from '../use-wide.js';

/** One job: where it is on the chart, what its agent does, what it left. */
export function Job({ id }: { id: string }) {
  const { jobs, complete, opening } = useSwarm();
  const wide = useWide();
  const job = jobs.get(id);
  const details = useDetails(id, job);
  if (job === undefined || opening === null) {
    return (
      <p class="empty">
        {complete
          ? 'There is no such job; its time to live has passed, or it was consumed.'
          : 'Reading the jobs…'}
      </p>
    );
  }
  return (
    <div class="one-job">
      <Title job={job} />
      <div class="columns">
        <div>
          <Chart definition={opening.definition} across={wide} counts={null} path={pathOf(job, details)} />
          <section aria-labelledby="does">
            <h2 id="does">{isSettled(job.state) ? 'What the agent did' : 'What the agent does'}</h2>
            <AgentLog jobId={id} />
          </section>
          {isSettled(job.state) && <Outcome id={id} />}
        </div>
        <aside aria-label="About the job">
          <Facts job={job} details={details} />
          <Timeline details={details} />
          <Processes details={details} settled={isSettled(job.state)} />
        </aside>
      </div>
    </div>
  );
}

const kindNames = { delegate: 'Job', consult: 'Consult', review: 'Review' };

/** An earlier job may have been consumed since. */
const nameOf = (id: string) => swarm.jobs.get(id)?.label ?? shortId(id);

function Title({ job }: { job: JobRow }) {
  const group = [...swarm.jobs.values()].filter(
    ({ groupId, kind }) => groupId !== null && groupId === job.groupId && kind === 'delegate',
  );
  return (
    <div class="job-title">
      <h1>
        {job.label ?? `${kindNames[job.kind]} ${shortId(job.id)}`}{' '}
        <StateMark state={job.state} ending={job.ending} />
      </h1>
      <p>
        <code>{job.id}</code> in <span title={job.workspaceRoot}>{placeName(job.workspaceRoot)}</span>
        {group.length > 1 && (
          <>
            {' · '}
            <a href={pathTo('compare', ...group.slice(0, 6).map(({ id }) => id))}>
              compare the {group.length} patches of its group
            </a>
          </>
        )}
      </p>
      {!isSettled(job.state) && <CancelButton job={job} />}
    </div>
  );
}

/** From the journal, which has every visit; before it is read, from the row, which has the last of each state. */
function pathOf(job: JobRow, details: JobDetails | null): { state: State; milliseconds: number | null }[] {
  const visits =
    details?.journal.filter(({ state }, index) => state !== details.journal[index - 1]?.state) ??
    Object.entries(job.entered)
      .map(([state, at]) => ({ state: state as State, at }))
      .sort((left, right) => left.at - right.at);
  return visits.map(({ state, at }, index) => {
    const next = visits[index + 1]?.at;
    if (next !== undefined) return { state, milliseconds: next - at };
    return { state, milliseconds: isSettled(state) ? null : now() - at };
  });
}

function Facts({ job, details }: { job: JobRow; details: JobDetails | null }) {
  const { usage, deadlineAt } = job;
  const facts: [string, ComponentChild][] = [
    ['Kind', job.kind],
    ['Agent', details === null ? job.backend : [job.backend, details.model].filter(Boolean).join(', ')],
    ['Attempt', String(job.attempt)],
    ['Accepted', job.entered.queued === undefined ? null : clockTime(job.entered.queued)],
    ['Deadline', deadlineAt === null || isSettled(job.state) ? null : `in ${duration(deadlineAt - now())}`],
    ['Place in line', job.queuePosition === null ? null : count(job.queuePosition)],
    ['Events', count(job.events)],
    [
      'Tokens read',
      usage === null ? null : `${count(usage.inputTokens)} (${count(usage.cachedInputTokens)} cached)`,
    ],
    ['Tokens written', usage === null ? null : count(usage.outputTokens)],
    [
      'Goes on from',
      details?.continues ? <a href={pathTo('job', details.continues)}>{nameOf(details.continues)}</a> : null,
    ],
    ['Baseline', details?.baselineCommit?.slice(0, 12) ?? null],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) =>
        value === null ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

function Timeline({ details }: { details: JobDetails | null }) {
  if (details === null) return null;
  const first = details.journal[0]?.at ?? 0;
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">Timeline</h2>
      <ol class="timeline">
        {details.journal.map(({ at, state, event, reason }) => (
          <li key={`${at} ${state} ${event}`} class={`state-${state}`}>
            <time dateTime={new Date(at).toISOString()} title={new Date(at).toISOString()}>
              +{duration(at - first)}
            </time>
            <span class="dot" aria-hidden="true" />
            <span>
              {state} <small>{event}</small>
              {reason !== null && <em>{reason}</em>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Processes({ details, settled }: { details: JobDetails | null; settled: boolean }) {
  if (details === null || settled) return null;
  return (
    <section aria-labelledby="processes">
      <h2 id="processes">Processes</h2>
      {details.processes.length === 0 ? (
        <p class="quiet-text">None.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Process</th>
              <th scope="col">CPU</th>
              <th scope="col">Memory</th>
            </tr>
          </thead>
          <tbody>
            {details.processes.map(({ pid, name, cpuMs, memoryBytes }) => (
              <tr key={pid}>
                <td>
                  {name} <small>{pid}</small>
                </td>
                <td>{duration(cpuMs)}</td>
                <td>{Math.round(memoryBytes / 1_048_576)} MiB</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Outcome({ id }: { id: string }) {
  const [loaded, setLoaded] = useState<LoadedPatch | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    loadPatch(id).then(setLoaded, (error: Error) => setProblem(error.message));
  }, [id]);
  if (problem !== null)
    return (
      <p class="warning" role="alert">
        {problem}
      </p>
    );
  if (loaded === null) return <p class="empty">Reading the result…</p>;
  const { answer, error, summary, warnings } = loaded.result;
  return (
    <section aria-labelledby="result">
      <h2 id="result">Result</h2>
      {error !== null && (
        <p class="failure">
          <b>{error.code}</b> {error.message} {error.advice}
        </p>
      )}
      {summary !== null && <p class="summary">{summary}</p>}
      {warnings.map((warning) => (
        <p key={warning} class="warning">
          {warning}
        </p>
      ))}
      {answer === null ? <Patch jobId={id} loaded={loaded} /> : <AnswerView answer={answer} />}
    </section>
  );
}
