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
  const files = new Map(
    columns.map(({ id, loaded }) => [id, loaded === null ? [] : filesOf(textOf(loaded.bytes))]),
  );
  const sharers = new Map<string, number>();
  for (const { path } of [...files.values()].flat()) sharers.set(path, (sharers.get(path) ?? 0) + 1);
  const shared = [...sharers].filter(([, number]) => number > 1).sort();
  return (
    <div class="compare">
      <h1>{ids.length === 1 ? '1 patch' : `${ids.length} patches`}</h1>
      <p class="lead">
        {shared.length === 0
          ? 'They have no file in common: they can be applied one after the other in any order.'
          : `${shared.length === 1 ? 'One file is' : `${shared.length} files are`} changed by more than one of them: ${shared.map(([path]) => path).join(', ')}.`}
      </p>
      <div class="side-by-side">
        {columns.map(({ id, loaded, problem }) => {
          const job = jobs.get(id);
          return (
            <section key={id} aria-label={`Patch of ${job?.label ?? shortId(id)}`}>
              <h2>
                <a href={pathTo('job', id)}>{job?.label ?? shortId(id)}</a>
                {job !== undefined && <StateMark state={job.state} ending={job.ending} />}
              </h2>
              {problem !== null && <p class="warning">{problem}</p>}
              {job === undefined && <p class="empty">There is no such job.</p>}
              {job !== undefined && !isSettled(job.state) && <p class="empty">It has not ended yet.</p>}
              {loaded !== null && files.get(id)?.length === 0 && <p class="empty">Nothing was changed.</p>}
              {inOrder(files.get(id) ?? [], sharers).map((file) => (
                <PatchFileView key={file.path} file={file} {...markOf(sharers.get(file.path) ?? 1)} />
              ))}
            </section>
          );
        })}
      </div>
    </div>
  );
}

const markOf = (number: number) => (number > 1 ? { mark: `in ${number} patches` } : {});

const inOrder = (files: readonly PatchFile[], sharers: ReadonlyMap<string, number>) =>
  files.toSorted(
    (left, right) =>
      Number((sharers.get(right.path) ?? 1) > 1) - Number((sharers.get(left.path) ?? 1) > 1) ||
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
