import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Lineage } from '../../src/job/lineage.js';
import { newRecord } from '../../src/job/new-record.js';
import { submission } from '../support/house.js';

const record = (over: Parameters<typeof submission>[0] = {}) => newRecord(submission(over), 1, 0, 60);

describe('jobs that come from the agents of jobs', () => {
  it('are refused when they nest deeper than they may', () => {
    const lineage = new Lineage({ maxDepth: 2, maxDescendants: 10 });
    const root = record();
    const child = record({ parentJobId: root.id, depth: 2 });
    assert.deepEqual(lineage.admit(null, null), { ok: true, value: 1 });
    assert.deepEqual(lineage.admit(root, root.id), { ok: true, value: 2 });
    const refused = lineage.admit(child, child.id);
    assert.equal(!refused.ok && refused.fault.code, 'nested_too_deep');
  });

  it('are refused with a depth of one even when their job is of another daemon', () => {
    const refused = new Lineage({ maxDepth: 1, maxDescendants: 10 }).admit(null, 'f'.repeat(32));
    assert.equal(!refused.ok && refused.fault.code, 'nested_too_deep');
  });

  it('are counted over the whole tree, and no more once they have settled', () => {
    const lineage = new Lineage({ maxDepth: 9, maxDescendants: 2 });
    const root = record();
    lineage.add(root.id, root.submission);
    lineage.add('child', submission({ parentJobId: root.id }));
    lineage.add('grandchild', submission({ parentJobId: 'child' }));
    assert.deepEqual(lineage.descendants(root.id), ['child', 'grandchild']);
    const refused = lineage.admit(record({ depth: 3 }), 'grandchild');
    assert.equal(!refused.ok && refused.fault.code, 'too_many_descendants');
    lineage.settle('child');
    assert.deepEqual(lineage.descendants(root.id), ['grandchild']);
    assert.ok(lineage.admit(root, root.id).ok);
  });
});
