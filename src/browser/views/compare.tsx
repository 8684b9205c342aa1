import { useEffect, useState } from 'preact/hooks';
import { shortId } from '../format.js';
import { StateMark } from '../parts/state.js';
import { type LoadedPatch, loadPatch, textOf } from '../patch/load.js';
import { filesOf, type PatchFile } from '../patch/parse.js';
import { PatchFileView } from '../patch/patch-file.js';
import { pathTo } from '../route.js';
import { isSettled, useSwarm } from '../swarm.js';

interface Column {
  id: string;
  loaded: LoadedPatch | null;
  problem: string | null;
}

/**
 * The patches of several jobs side by side. Files that more than one of them changes come first, and are marked.
 * Jobs that only read have no patch and are left out.
 */
export function Compare({ ids: asked }: { ids: readonly string[] }) {
  const { jobs } = useSwarm();
  const ids = asked.filter((id) => (jobs.get(id)?.kind ?? 'delegate') === 'delegate');
  const settled = ids.filter((id) => isSettled(jobs.get(id)?.state ?? 'queued'));
  const columns = usePatches(ids, settled);
  const sharers = sharersOf(columns);
  return (
    <div class="compare">
      <h1>{ids.length === 1 ? '1 patch' : `${ids.length} patches`}</h1>
      {ids.length > 1 && (
        <p class="lead">
          {columns.every(isInFull) ? '' : 'Not every patch is here in full. As far as they are: '}
          {sharedFiles(sharers)}
        </p>
      )}
      <div class="side-by-side">
        {columns.map(({ id, loaded, problem }) => {
          const job = jobs.get(id);
          const files = loaded === null ? [] : filesOf(textOf(loaded.bytes));
          const numbers = loaded === null ? new Map() : numbersOf(loaded, sharers);
          return (
            <section key={id} aria-label={`Patch of ${job?.label ?? shortId(id)}`}>
              <h2>
                <a href={pathTo('job', id)}>{job?.label ?? shortId(id)}</a>
                {job !== undefined && <StateMark state={job.state} ending={job.ending} />}
              </h2>
              {problem !== null && <p class="warning">{problem}</p>}
              {job === undefined && <p class="empty">There is no such job.</p>}
              {job !== undefined && !isSettled(job.state) && <p class="empty">It has not ended yet.</p>}
              {loaded !== null && files.length === 0 && <p class="empty">Nothing was changed.</p>}
              {inOrder(files, numbers).map((file) => (
                <PatchFileView key={file.path} file={file} {...markOf(numbers.get(file.path) ?? 1)} />
              ))}
            </section>
          );
        })}
      </div>
    </div>
  );
}

/** Every file that the patch changes is known, also one that is not shown. */
const isInFull = ({ loaded }: Column) =>
  loaded !== null && loaded.result.files.length === loaded.result.files_total;

/** The names of each file that a patch changes, the one it has now last; one that was renamed has two. */
function namesOf({ result: { files, files_total: total }, bytes }: LoadedPatch): string[][] {
  const listed = files.map(({ path, old_path: old }) => (old === undefined ? [path] : [old, path]));
  return files.length === total ? listed : [...listed, ...filesOf(textOf(bytes)).map(({ path }) => [path])];
}

/** By name of a file: how many of the patches change it. */
function sharersOf(columns: readonly Column[]): Map<string, number> {
  const sharers = new Map<string, number>();
  for (const { loaded } of columns) {
    const names = new Set(loaded === null ? [] : namesOf(loaded).flat());
    for (const name of names) sharers.set(name, (sharers.get(name) ?? 0) + 1);
  }
  return sharers;
}

/** By file of one patch: how many of the patches change it, by one name or the other. */
const numbersOf = (loaded: LoadedPatch, sharers: ReadonlyMap<string, number>): Map<string, number> =>
  new Map(
    namesOf(loaded).map((names) => [
      names.at(-1) ?? '',
      Math.max(...names.map((name) => sharers.get(name) ?? 1)),
    ]),
  );

function sharedFiles(sharers: ReadonlyMap<string, number>): string {
  const shared = [...sharers].filter(([, number]) => number > 1).sort();
  if (shared.length === 0) return 'No file is changed by more than one of them.';
  const names = shared.map(([path]) => path).join(', ');
  return `${shared.length === 1 ? 'One file is' : `${shared.length} files are`} changed by more than one of them: ${names}.`;
}

const markOf = (number: number) => (number > 1 ? { mark: `in ${number} patches` } : {});

const inOrder = (files: readonly PatchFile[], numbers: ReadonlyMap<string, number>) =>
  files.toSorted(
    (left, right) =>
      Number((numbers.get(right.path) ?? 1) > 1) - Number((numbers.get(left.path) ?? 1) > 1) ||
      left.path.localeCompare(right.path),
  );

function usePatches(ids: readonly string[], settled: readonly string[]): Column[] {
  const [found, setFound] = useState<ReadonlyMap<string, Omit<Column, 'id'>>>(new Map());
  useEffect(() => {
    for (const id of settled) {
      const tell = (column: Omit<Column, 'id'>) => setFound((before) => new Map(before).set(id, column));
      loadPatch(id).then(
        (loaded) => tell({ loaded, problem: null }),
        (error: Error) => tell({ loaded: null, problem: error.message }),
      );
    }
  }, [settled.join()]);
  return ids.map((id) => ({ id, ...(found.get(id) ?? { loaded: null, problem: null }) }));
}
