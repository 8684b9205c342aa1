import { examine } from '../doctor/doctor.js';
import type { Finding } from '../doctor/finding.js';
import { version } from '../version.js';
import { type Command, jsonFlag } from './command.js';
import { exitCodes } from './exit-codes.js';
import { jsonDocument, paint, print, printableValue } from './terminal.js';

export const doctor: Command = {
  name: 'doctor',
  parameters: '',
  summary: 'Look at what jobs need on this machine, and say what to mend.',
  details:
    'It starts no daemon, asks no model and spends nothing. The exit code is 1 where something keeps jobs from running.',
  words: { atLeast: 0, atMost: 0 },
  flags: [jsonFlag],
  async run({ flags }) {
    const findings = await examine();
    const ready = findings.every(({ level }) => level !== 'problem');
    const answer = { ok: true, ready, version, findings };
    await print(
      flags.json === true ? jsonDocument(answer) : describeFindings(printableValue(findings), ready),
    );
    return ready ? exitCodes.ok : exitCodes.refused;
  },
};

const marks = {
  ok: paint('green', 'ok'),
  warning: paint('yellow', 'warning'),
  problem: paint('red', 'problem'),
};

/** The findings for people: one line each, and under it what mends it. */
function describeFindings(findings: readonly Finding[], ready: boolean): string {
  const lines = findings.flatMap(({ name, level, found, mend }) => [
    `${marks[level]} ${name}: ${found}`,
    ...(mend === null ? [] : [`    ${mend}`]),
  ]);
  const end = ready ? 'Jobs can run.' : 'Jobs cannot run yet.';
  return [...lines, '', end, ''].join('\n');
}
