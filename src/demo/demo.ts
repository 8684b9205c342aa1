import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interruptible } from '../interruptible.js';
import { programOfPackage } from './codex-package.js';
import { cancelJobs, type DemoClient, stopDaemon, withClient } from './demo-client.js';
import { followJob } from './follow-job.js';
import { run, say } from './reply.js';
import { git, makeSampleRepository, sampleFix, sampleNote, sampleTask } from './sample-repository.js';
import { providerConfig, type Script, startScriptedModel } from './scripted-model.js';

const KEY_VARIABLE = 'OFFSHOOT_DEMO_MODEL_KEY';
const LABEL = 'demo';

/** What the scripted model has the agent do: look, mend, test, sum up. */
const script: Script = ({ step }) => {
  if (step === 0) return run('cat price.js && node price.test.js');
  if (step === 1) return run(sampleFix, sampleNote);
  if (step === 2) return run('node price.test.js && git status --short');
  return say('The loop began at the second price. It begins at the first now, and the test passes.');
};

/**
 * Hands one task over, through a real MCP client, bridge and daemon, to the real Codex CLI, whose model is a
 * script on the loopback; shows each state, the patch, and that the sample's own tree is untouched. Answers false
 * when it was interrupted. However it ends, nothing of it is left.
 */
export const runDemo = (): Promise<boolean> =>
  interruptible(async (interrupted) => {
    await demonstrate(interrupted).catch((problem: unknown) => {
      if (!interrupted.aborted) throw problem;
    });
    return !interrupted.aborted;
  });

async function demonstrate(interrupted: AbortSignal): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'offshoot-demo-'));
  const model = await startScriptedModel(script);
  try {
    const repository = join(directory, 'sample');
    await makeSampleRepository(repository);
    const codexHome = join(directory, 'codex-home');
    await mkdir(codexHome);
    await writeFile(join(codexHome, 'config.toml'), providerConfig(model.url, KEY_VARIABLE));
    const environment: Record<string, string> = {
      OFFSHOOT_STATE_DIR: join(directory, 'state'),
      XDG_CONFIG_HOME: join(directory, 'config'),
      CODEX_HOME: codexHome,
      [KEY_VARIABLE]: 'no-secret',
      ...(await programOfPackage()),
    };
    const before = await treeOf(repository);
    try {
      const ready = await makeReady(environment, directory, interrupted);
      await withClient(ready, interrupted, (client) => delegate(client, repository, directory));
    } finally {
      // The daemon waits for the job's end. This starts it, too, where an interrupt met it on its way up.
      if (interrupted.aborted) await cancelJobs(environment, LABEL).catch(() => undefined);
      await stopDaemon(environment);
    }
    if ((await treeOf(repository)) !== before) throw new Error("The sample's own tree was changed.");
  } finally {
    await model.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The environment for a daemon that can take work: with Codex, or where that cannot run here, with a plain command. */
async function makeReady(
  environment: Record<string, string>,
  directory: string,
  interrupted: AbortSignal,
): Promise<Record<string, string>> {
  const status = await withClient(environment, interrupted, (client) => client.call('codex_status', {}));
  if (status.ready) {
    tell(
      `Codex ${status.codex.version ?? ''} is here and its sandbox works; its model is a script on this machine.\n`,
    );
    return environment;
  }
  await stopDaemon(environment);
  tell(
    `${status.problem?.message ?? 'Codex cannot run here.'} So the same job runs with the command backend.\n`,
  );
  const program = join(directory, 'agent.sh');
  await writeFile(
    program,
    `#!/bin/sh\ncat >/dev/null\nset -e\n${sampleFix}\n${sampleNote}\nnode price.test.js\necho Done.\n`,
  );
  await chmod(program, 0o700);
  return { ...environment, OFFSHOOT_BACKEND: 'command', OFFSHOOT_COMMAND: program };
}

async function delegate(client: DemoClient, repository: string, directory: string): Promise<void> {
  tell(`\nTask: ${sampleTask}\n`);
  const handle = await client.call('codex_delegate_async', {
    task: sampleTask,
    workspace_root: repository,
    label: LABEL,
  });
  tell(`codex_delegate_async answered job ${handle.job_id}\n\n`);
  const result = await followJob(client, handle, tell);
  if (result.status !== 'done')
    throw new Error(`The job ended as ${result.status}: ${result.error?.message}`);

  tell(`\n${result.summary}\n\n${result.patch}\n`);
  const patchFile = join(directory, 'demo.patch');
  await writeFile(patchFile, result.patch ?? '');
  await git(repository, 'apply', '--check', patchFile);
  tell('git apply --check takes the patch, and the working tree of the sample is as it was:\n');
  tell(`${await git(repository, 'status', '--short')}\n`);
}

/** Everything of the sample's working tree, index and refs that a job might have touched. */
async function treeOf(repository: string): Promise<string> {
  const parts = [
    await git(repository, 'status', '--porcelain=v2', '--branch', '--untracked-files=all'),
    await git(repository, 'diff', '--binary'),
    await git(repository, 'for-each-ref'),
    await git(repository, 'ls-files', '--stage'),
  ];
  return parts.join('\n');
}

const tell = (text: string): void => void process.stdout.write(text);
