import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Settings } from '../config.js';
import { errorTable } from '../errors.js';
import { findHolding } from '../stages/containment.js';
import { type Finding, isAtLeast, problem, versionIn, warning, well } from './finding.js';

const run = promisify(execFile);

const OLDEST_NODE = [20, 19];
const OLDEST_GIT = [2, 30];
/** Each running job holds some files open, and each client a socket. */
const FEW_OPEN_FILES = 4_096;
const PROGRAM_MS = 10_000;

/** What the machine has to bring along, whatever the settings: Linux, Node, git, a way to hold processes, files. */
export function lookAtMachine(settings: Settings): Promise<Finding[]> {
  return Promise.all([system(), node(), git(settings), containment(settings), openFiles()]);
}

async function system(): Promise<Finding> {
  const name = `${process.platform} ${process.arch}`;
  if (process.platform === 'linux') return well('system', name);
  return problem('system', `${name}: Offshoot reads /proc`, 'Run Offshoot on Linux.');
}

async function node(): Promise<Finding> {
  const { version } = process;
  if (isAtLeast(versionIn(version) ?? [], OLDEST_NODE)) return well('Node.js', version);
  return problem('Node.js', `${version} is too old`, `Install Node.js ${OLDEST_NODE.join('.')} or newer.`);
}

async function git({ environment }: Settings): Promise<Finding> {
  const told = await run('git', ['--version'], { env: environment, timeout: PROGRAM_MS }).catch(() => null);
  const version = told && versionIn(told.stdout);
  if (version === null) return problem('git', errorTable.git_not_found.message, 'apt-get install git');
  const found = version.join('.');
  if (isAtLeast(version, OLDEST_GIT)) return well('git', found);
  return problem('git', `${found} is too old`, errorTable.git_not_found.advice);
}

async function containment({ environment }: Settings): Promise<Finding> {
  const { containment: level } = await findHolding(environment);
  if (level === 'namespace') return well('containment', 'agents are held by a PID namespace');
  return warning(
    'containment',
    'no PID namespace: an agent is held by its process group and a marker in its environment',
    'Install util-linux (unshare) and allow unprivileged user namespaces: sysctl -w user.max_user_namespaces=15000',
  );
}

/** The soft limit, as proc_pid_limits(5) tells it. */
async function openFiles(): Promise<Finding> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const most = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  if (most === undefined) return well('open files', 'the limit cannot be read');
  if (most === 'unlimited' || Number(most) >= FEW_OPEN_FILES) return well('open files', `up to ${most}`);
  return warning(
    'open files',
    `at most ${most}: a large swarm needs more`,
    `ulimit -n ${FEW_OPEN_FILES}, where the daemon is started`,
  );
}
