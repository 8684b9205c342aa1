import { useEffect, useState } from 'preact/hooks';
import { bytes as sizeOf } from '../format.js';
import { exactTextOf, isText, type LoadedPatch, loadPatch, textOf } from './load.js';
import { filesOf } from './parse.js';
import { PatchFileView } from './patch-file.js';

/** The patch of a settled job: to read, to copy and to take away. */
export function Patch({ jobId, loaded }: { jobId: string; loaded: LoadedPatch }) {
  const { result, bytes, whole } = loaded;
  if (result.patch_bytes === null) return <p class="empty">There is no patch: no worktree was made.</p>;
  if (result.patch_bytes === 0) return <p class="empty">Nothing was changed.</p>;
  // A clipboard holds text; of a patch that is not here in full the copy itself finds out.
  const canCopy = !whole || isText(bytes);
  return (
    <>
      <div class="actions">
        {canCopy && (
          <CopyButton
            name="Copy patch"
            text={async () => exactTextOf((await loadPatch(jobId, true)).bytes)}
          />
        )}
        <ActionButton name="Download" done="Downloaded" failed="Not downloaded" act={() => download(jobId)} />
        <CopyLine line={`offshoot patch ${jobId} | git apply`} />
      </div>
      {!canCopy && <p class="warning">It is not all UTF-8, and cannot be copied: download it.</p>}
      {result.redacted.map(({ path, reason }) => (
        <p key={path} class="warning">
          {path}: {reason}. Not shown here; a copy or a download has it.
        </p>
      ))}
      {filesOf(textOf(bytes)).map((file) => (
        <PatchFileView key={file.path} file={file} />
      ))}
      {!whole && (
        <p class="warning">
          The patch has {sizeOf(result.patch_bytes)}; this is its beginning. Download it to have all.
        </p>
      )}
    </>
  );
}

async function download(jobId: string): Promise<void> {
  const { bytes } = await loadPatch(jobId, true);
  const address = URL.createObjectURL(new Blob([bytes.slice().buffer], { type: 'text/x-patch' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `${jobId}.patch`;
  link.click();
  URL.revokeObjectURL(address);
}

const TOLD_MS = 1_500;

interface Action {
  name: string;
  /** What the button says for a moment afterwards. */
  done: string;
  failed: string;
  act(): Promise<void>;
}

function ActionButton({ name, done, failed, act }: Action) {
  const [told, setTold] = useState<string | null>(null);
  useEffect(() => {
    if (told === null) return;
    const timer = setTimeout(() => setTold(null), TOLD_MS);
    return () => clearTimeout(timer);
  }, [told]);
  const onClick = () =>
    void act().then(
      () => setTold(done),
      () => setTold(failed),
    );
  return (
    <button type="button" onClick={onClick}>
      <span aria-live="polite">{told ?? name}</span>
    </button>
  );
}

function CopyButton({ name, text }: { name: string; text(): Promise<string> }) {
  const copy = async () => navigator.clipboard.writeText(await text());
  return <ActionButton name={name} done="Copied" failed="Not copied" act={copy} />;
}

function CopyLine({ line }: { line: string }) {
  return (
    <span class="line">
      <code>{line}</code>
      <CopyButton name="Copy line" text={async () => line} />
    </span>
  );
}
