import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { PatchReport } from '../../machines/job.js';
import { finishCapture, readReport } from '../../src/git/patch-report.js';
import { makeWorkspace } from '../support/git.js';

const workspace = makeWorkspace();
const patchFile = join(workspace, 'patch');
const filesFile = join(workspace, 'files.json');

const EMPTY_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const report: PatchReport = { bytes: 0, sha256: EMPTY_HASH, files: 0, added: 0, removed: 0, warnings: [] };
const hashes = { patch: EMPTY_HASH };
const { warnings: _, ...withoutWarnings } = report;

const notOurs: Record<string, unknown> = {
  null: null,
  'a number': 7,
  'a string': 'done',
  'a list': [report, hashes],
  'an empty object': {},
  'a report that is nothing but itself, as of a first version': report,
  'a report without the hashes of its files': { report },
  'hashes without a report': { hashes },
  'a report without one of its fields': { report: withoutWarnings, hashes },
  'a report that is an empty object': { report: {}, hashes },
  'a report that is a number': { report: 1, hashes },
  'a figure that is a string': { report: { ...report, bytes: '0' }, hashes },
  'warnings that are no strings': { report: { ...report, warnings: [1] }, hashes },
  'hashes that are null': { report, hashes: null },
  'hashes that are a list': { report, hashes: [] },
  'a hash that is a number': { report, hashes: { patch: 1 } },
  'hashes that leave out the patch': { report, hashes: {} },
  'the hash of another patch': { report, hashes: { patch: EMPTY_HASH.replace('e', 'f') } },
};

describe('the report of a capture', () => {
  it('is read as it was written', async () => {
    writeFileSync(patchFile, '');
    await finishCapture(patchFile, { path: filesFile, content: '[]' }, report);
    assert.deepEqual(await readReport(patchFile), report);
  });

  for (const [what, content] of Object.entries(notOurs)) {
    it(`is none where its file holds ${what}`, async () => {
      writeFileSync(patchFile, '');
      writeFileSync(`${patchFile}.report`, JSON.stringify(content));
      assert.equal(await readReport(patchFile), null);
    });
  }

  it('is none where nothing, or only a part of one, was written', async () => {
    writeFileSync(`${patchFile}.report`, JSON.stringify({ report, hashes }).slice(0, -1));
    assert.equal(await readReport(patchFile), null);
    rmSync(`${patchFile}.report`);
    assert.equal(await readReport(patchFile), null);
  });
});
