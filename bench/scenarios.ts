import { backends } from './backends.js';
import { cancel } from './cancel.js';
import { drain } from './drain.js';
import { inspect } from './inspect.js';
import { job } from './job.js';
import { machine } from './machine.js';
import { memory } from './memory.js';
import { page } from './page.js';
import { recover } from './recover.js';
import type { Scenario } from './scenario.js';
import { store } from './store.js';
import { stream } from './stream.js';
import { submit } from './submit.js';
import { swarm } from './swarm.js';
import { wake } from './wake.js';
import { worktree } from './worktree.js';

/** Every scenario, in the order in which they run. */
export const scenarios: readonly Scenario[] = [
  submit,
  job,
  swarm,
  worktree,
  stream,
  machine,
  inspect,
  store,
  drain,
  recover,
  cancel,
  memory,
  page,
  wake,
  backends,
];
