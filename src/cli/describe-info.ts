import type { z } from 'zod';
import type { status } from '../operations/status.js';
import { inShell } from './in-shell.js';
import { columns } from './layout.js';
import { paint } from './terminal.js';

type Info = z.infer<typeof status.output>;

/** What `offshoot info` shows: whether work can be taken, and by what. */
export function describeInfo(info: Info): string {
  const { codex, daemon } = info;
  const head = info.ready ? paint('green', 'ready') : paint('red', 'not ready');
  return [
    head,
    ...(info.problem === null ? [] : [inShell(`${info.problem.message} ${info.problem.advice}`)]),
    ...info.notes.map((note) => `note: ${note}`),
    '',
    'Codex',
    ...rows({ backend: info.backend, ...codex }),
    'Jobs',
    ...rows(info.jobs),
    'Limits',
    ...rows(info.limits),
    ...describeRateLimits(info.rate_limits ?? []),
    'Daemon',
    ...rows({ ...daemon, http: daemon.http ?? 'off' }),
    '',
  ].join('\n');
}

function describeRateLimits(limits: NonNullable<Info['rate_limits']>): string[] {
  if (limits.length === 0) return [];
  const lines = limits.map(
    ({ name, used_percent, window_minutes, resets_at }) =>
      [
        `${name}, ${window_minutes ?? '?'} min`,
        `${used_percent} % used${resets_at === null ? '' : `, resets at ${resets_at}`}`,
      ] as const,
  );
  return ['Limits of the account', ...columns(lines)];
}

const rows = (values: Record<string, string | number | boolean | null>) =>
  columns(Object.entries(values).map(([name, value]) => [name.replaceAll('_', ' '), word(value)] as const));

function word(value: string | number | boolean | null): string {
  if (value === null) return 'unknown';
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}
