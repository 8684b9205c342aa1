import { useState } from 'preact/hooks';
import { counted } from '../../counted.js';
import type { PatchFile } from './parse.js';

const MOST_LINES = 600;

/** Heads that say what the title says already. */
const isKnown = (text: string) => /^(diff --git|index|---|\+\+\+) /.test(text);

/** One file of a patch, each line coloured by its part. */
export function PatchFileView({ file, mark }: { file: PatchFile; mark?: string }) {
  const [all, setAll] = useState(false);
  const told = file.lines.filter(({ kind, text }) => kind !== 'head' || !isKnown(text));
  const lines = all ? told : told.slice(0, MOST_LINES);
  return (
    <details class={`file${mark === undefined ? '' : ' shared'}`} open>
      <summary>
        <span class="path">{file.path}</span>
        {mark !== undefined && <span class="badge">{mark}</span>}
        <span class="added">+{file.added}</span> <span class="removed">−{file.removed}</span>
      </summary>
      <pre>
        {lines.map(({ kind, text }, index) => (
          <span key={index} class={kind}>
            {text === '' ? ' ' : text}
            {'\n'}
          </span>
        ))}
      </pre>
      {lines.length < told.length && (
        <button type="button" onClick={() => setAll(true)}>
          Show {counted(told.length - lines.length, 'more line')}
        </button>
      )}
    </details>
  );
}
