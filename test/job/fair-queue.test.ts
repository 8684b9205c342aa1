import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FairQueue } from '../../src/job/fair-queue.js';
import { newRecord } from '../../src/job/new-record.js';
import { AGING_MS, compareTurns, type Turn, turnOf } from '../../src/job/turn.js';
import { WaitingLine } from '../../src/job/waiting-line.js';
import { submission } from '../support/house.js';

let sequence = 0;
const turn = (client: string, rank = 0): Turn => ({ client, rank, sequence: ++sequence });

/** A queue whose jobs are told by name. */
function queueOf(jobs: readonly (readonly [name: string, turn: Turn, repository?: string])[], full = '') {
  const queue = new FairQueue(({ repository }) => repository !== full);
  for (const [jobId, turn, repository = 'r'] of jobs) queue.add({ jobId, repository, ...turn });
  const drain = () => {
    const order: string[] = [];
    for (let next = queue.take(); next !== undefined; next = queue.take()) order.push(next.jobId);
    return order;
  };
  return { queue, drain };
}

describe('the line that clients wait in', () => {
  it('lets clients take turns, whatever one of them has queued', () => {
    const { drain } = queueOf([
      ['a1', turn('a')],
      ['a2', turn('a')],
      ['a3', turn('a')],
      ['b1', turn('b')],
      ['c1', turn('c')],
      ['b2', turn('b')],
    ]);
    assert.deepEqual(drain(), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  it('orders the jobs of one client by rank, then by acceptance', () => {
    const { drain } = queueOf([
      ['low', turn('a', -1)],
      ['first', turn('a')],
      ['second', turn('a')],
      ['high', turn('a', 5)],
    ]);
    assert.deepEqual(drain(), ['high', 'first', 'second', 'low']);
  });

  it('gives no turn to a job that was taken out', () => {
    const [first, second, only] = [turn('a'), turn('a'), turn('b')];
    const { queue, drain } = queueOf([
      ['a1', first],
      ['a2', second],
      ['b1', only],
    ]);
    queue.remove({ jobId: 'a1', repository: 'r', ...first });
    queue.remove({ jobId: 'b1', repository: 'r', ...only });
    queue.remove({ jobId: 'b1', repository: 'r', ...only });
    assert.deepEqual(drain(), ['a2']);
  });

  it('passes over what may not start now; whose jobs are passed over keeps its turn', () => {
    const { drain } = queueOf(
      [
        ['a1', turn('a'), 'full'],
        ['a2', turn('a'), 'full'],
        ['b1', turn('b')],
        ['b2', turn('b'), 'full'],
        ['a3', turn('a')],
      ],
      'full',
    );
    assert.deepEqual(drain(), ['a3', 'b1']);
  });

  it('raises the priority of a job by a step for each ten minutes that it waits', () => {
    const at = (priority: number, accepted: number) =>
      turnOf(newRecord(submission({ priority }), ++sequence, accepted, 60));
    assert.ok(compareTurns(at(1, AGING_MS - 1), at(0, 0)) < 0);
    assert.ok(compareTurns(at(1, AGING_MS + 1), at(0, 0)) > 0);
  });

  it('starves no client: between two jobs of one, every other that waits has had its turn', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 60 }), (clients) => {
        const { drain } = queueOf(clients.map((client) => [client, turn(client)] as const));
        const order = drain();
        assert.equal(order.length, clients.length);
        for (let index = 1; index < order.length; index += 1) {
          const client = order[index];
          const before = order.lastIndexOf(client ?? '', index - 1);
          if (before === -1) continue;
          const between = new Set(order.slice(before + 1, index));
          const later = new Set(order.slice(index + 1));
          for (const other of later)
            assert.ok(other === client || between.has(other), `${order} at ${index}`);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('tells each waiting job the place at which its turn really comes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: -2, max: 2 })), {
          maxLength: 30,
        }),
        (jobs) => {
          const turns = jobs.map(([client, rank]) => turn(client, rank));
          const line = new WaitingLine();
          for (const each of turns) line.add(each);
          const { drain } = queueOf(turns.map((each) => [String(each.sequence), each] as const));
          for (const [index, name] of drain().entries()) {
            const each = turns.find(({ sequence }) => String(sequence) === name);
            assert.ok(each);
            assert.equal(line.position(each), index + 1);
          }
          for (const each of turns) line.remove(each);
          assert.equal(line.waiting('a') + line.waiting('b') + line.waiting('c'), 0);
        },
      ),
      { numRuns: 300 },
    );
  });
});
