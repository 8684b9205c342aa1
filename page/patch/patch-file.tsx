import { useState } from 'preact/hooks';
import type { PatchFile } from './parse.js';

const MOST_LINES = 600;

/** One file of a patch, each line coloured by its part. */
export function PatchFileView({ file, mark }: { file: PatchFile; mark?: string }) {
  const [all, setAll] = useState(false);
  const lines = all ? file.lines : file.lines.slice(0, MOST_LINES);
  return (
    <details class={`file${mark === undefined ? '' : ' shared'}`} open>
      <summary>
        <span class="path">{file.path}</span>
        {mark !== undefined && <span class="badge">{mark}</span>}
        <span class="added">+{file.added}</span> <span class="removed">−{file.removed}</span>
      </summary>
      <pre tabIndex={0} aria-label={`Changes of ${file.path}`}>
        {lines.map(({ kind, text }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines of a patch never move
          <span key={index} class={kind}>
            {text === '' ? ' ' : text}
            {'\n'}
          </span>
        ))}
      </pre>
      {lines.length < file.lines.length && (
        <button type="button" onClick={() => setAll(true)}>
          Show {file.lines.length - lines.length} more lines
        </button>
      )}
    </details>
  );
}
