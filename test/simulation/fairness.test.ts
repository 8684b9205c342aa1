import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Applicant, createAdmission } from '../../src/job/admission.js';
import { contend, type MakeAdmission } from './fairness.js';

const CONTENTIONS = 1_000;

async function firstBroken(seed: number, count: number, make?: MakeAdmission): Promise<string | null> {
  for (let one = seed; one < seed + count; one += 1) {
    const broken = await contend(one, make);
    if (broken !== null) return `${broken}, with seed ${one}`;
  }
  return null;
}

/** Admissions that are wrong on purpose. */
const wrong: Record<string, MakeAdmission> = {
  'serves whoever came first, whichever client that is': (limits, start) =>
    withApplicants(createAdmission(limits, start), (applicant) => ({
      ...applicant,
      client: 'all',
      rank: 0,
    })),
  'forgets the limit of clients': (limits, start) =>
    createAdmission({ ...limits, maxRunningPerClient: Number.POSITIVE_INFINITY, clientLimits: {} }, start),
  'forgets the limits of single clients': (limits, start) =>
    createAdmission({ ...limits, clientLimits: {} }, start),
  'forgets the limit of repositories': (limits, start) =>
    createAdmission({ ...limits, maxRunningPerRepo: Number.POSITIVE_INFINITY }, start),
  'lets one more run': (limits, start) =>
    createAdmission({ ...limits, maxRunning: limits.maxRunning + 1 }, start),
  'knows no priority': (limits, start) =>
    withApplicants(createAdmission(limits, start), (applicant) => ({ ...applicant, rank: 0 })),
  'leaves places empty': (limits, start) =>
    createAdmission({ ...limits, maxRunning: Math.ceil(limits.maxRunning / 2) }, start),
};

function withApplicants(
  admission: ReturnType<typeof createAdmission>,
  change: (applicant: Applicant) => Applicant,
): ReturnType<typeof createAdmission> {
  return {
    ...admission,
    enqueue: (applicant) => admission.enqueue(change(applicant)),
    withdraw: (applicant) => admission.withdraw(change(applicant)),
  };
}

describe('clients that contend', () => {
  it('do not starve, and pass no limit of machine, repository or client, in 1,000 seeded simulations', async (context) => {
    const seed = Date.now() % 1_000_000_000;
    context.diagnostic(`seed ${seed}`);
    assert.equal(await firstBroken(seed, CONTENTIONS), null);
  });

  for (const [what, make] of Object.entries(wrong)) {
    it(`are found to be wronged by an admission that ${what}`, async () => {
      assert.notEqual(await firstBroken(1, 200, make), null);
    });
  }
});
