import { counted } from '../../counted.js';
import type { Answer } from '../patch/load.js';

/** What a job that only read came to, beside its prose: of a review the verdict and what it covered, and findings. */
export function AnswerView({ answer }: { answer: Answer }) {
  const { verdict, confidence, coverage, findings, findings_total: total = 0 } = answer;
  return (
    <>
      {verdict !== undefined && (
        <p class={`verdict ${verdict}`}>
          <b>{verdict}</b> confidence {confidence}
        </p>
      )}
      {coverage !== undefined && <CoverageView coverage={coverage} />}
      {findings !== undefined && (
        <>
          <h3>{total === 0 ? 'No findings' : `Findings (${total})`}</h3>
          <ol class="findings">
            {findings.map((finding) => (
              <FindingView key={`${finding.file} ${finding.line} ${finding.title}`} finding={finding} />
            ))}
          </ol>
          {total > findings.length && <p class="quiet-text">The first {findings.length} are kept.</p>}
        </>
      )}
    </>
  );
}

function CoverageView({ coverage }: { coverage: NonNullable<Answer['coverage']> }) {
  const { files_changed: changed, files_reviewed: reviewed, omitted } = coverage;
  return (
    <div class="coverage">
      <p>
        {reviewed} of {counted(changed, 'changed file')} reviewed
      </p>
      {omitted.length > 0 && (
        <ul aria-label="Not reviewed">
          {omitted.map(({ path, reason }) => (
            <li key={path}>
              <code>{path}</code> {reason.replaceAll('_', ' ')}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

type Finding = NonNullable<Answer['findings']>[number];

const places = {
  under_review: 'under review',
  elsewhere: 'not under review',
  no_such_file: 'no such file',
};

function FindingView({ finding }: { finding: Finding }) {
  const { severity, title, detail, file, line, place } = finding;
  return (
    <li class={`finding ${severity}`}>
      <p>
        <b class="severity">{severity}</b> {title}
      </p>
      {file !== null && (
        <p class="where">
          <code>{line === null ? file : `${file}:${line}`}</code>{' '}
          {place !== null && <small>{places[place]}</small>}
        </p>
      )}
      {detail !== '' && <p class="detail">{detail}</p>}
    </li>
  );
}
