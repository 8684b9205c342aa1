import { counted } from '../counted.js';
import type { Answer } from '../operations/answer-view.js';
import { paint } from './terminal.js';

/** The findings of a consult or a review for people; of a review its verdict and what it covered come first. */
export function describeAnswer({ verdict, confidence, coverage, findings = [] }: Answer): string {
  const covered =
    coverage && `${coverage.files_reviewed} of ${counted(coverage.files_changed, 'changed file')} reviewed`;
  const judged =
    verdict === undefined ? covered : `${paint('bold', verdict)}, confidence ${confidence}; ${covered}`;
  const left = (coverage?.omitted ?? []).map(({ path, reason }) => `  not reviewed: ${path} (${reason})`);
  return [judged ?? '', ...left, ...findings.map(describeFinding)].filter((line) => line !== '').join('\n');
}

function describeFinding({
  severity,
  title,
  detail,
  file,
  line,
  place,
}: NonNullable<Answer['findings']>[number]) {
  const where = file === null ? '' : `  ${file}${line === null ? '' : `:${line}`}`;
  const doubt = place === 'no_such_file' ? paint('yellow', '  (no such file)') : '';
  return `${severity.padEnd(6)} ${title}${where}${doubt}\n       ${detail.replaceAll('\n', '\n       ')}`;
}
