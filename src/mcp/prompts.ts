import { invalidParams } from './rpc-error.js';
import type { McpRequest, McpResult } from './service.js';

/** What a user may ask for by name; clients show them as commands. */
interface Prompt {
  name: string;
  title: string;
  description: string;
  arguments: { name: string; description: string; required: boolean }[];
  /** What the client's model reads. */
  text(given: Readonly<Record<string, string>>): string;
}

/** Longer ones belong into a file of the repository. */
const MAX_ARGUMENT_CHARACTERS = 20_000;
const COUNTS = ['2', '3', '4', '5', '8', '10'];
const SCOPES = ['working tree', 'branch', 'commit'];

const REVIEWED =
  'When a job has ended, take its result with codex_job_result, read the patch critically, try it with "git apply --check", and tell me what it does and what you would change before you apply anything.';

const prompts: readonly Prompt[] = [
  {
    name: 'delegate',
    title: 'Delegate a task to Codex',
    description: 'Hands one coding task to Codex in the background and reviews the patch that comes back.',
    arguments: [{ name: 'task', description: 'What is to be done.', required: true }],
    text: ({ task }) =>
      `Delegate this task with codex_delegate_async: ${task}\n\nWrite the task so that it stands alone: goal, files, constraints, and how to check the work, for the agent sees the repository but not this conversation. Go on with other work meanwhile, or wait with codex_job_wait. ${REVIEWED}`,
  },
  {
    name: 'review',
    title: 'Have Codex review changes',
    description: 'Has Codex review changes and weighs what it finds.',
    arguments: [
      { name: 'scope', description: 'What to review: working tree, branch or commit.', required: false },
    ],
    text: ({ scope = 'working tree' }) =>
      `Have Codex review the changes (scope: ${scope}) with codex_review_changes_async and wait with codex_job_wait. Check each finding against the code yourself; tell me which hold, which do not and why, and what the review did not cover.`,
  },
  {
    name: 'consult',
    title: 'Ask Codex for a second opinion',
    description: 'Asks Codex a question about the repository and compares its answer with your own.',
    arguments: [{ name: 'question', description: 'What you want to know.', required: true }],
    text: ({ question }) =>
      `Form an answer of your own first, then ask Codex with codex_consult: ${question}\n\nTell me where you agree, where you differ, and what in the code decides it.`,
  },
  {
    name: 'swarm',
    title: 'Split work among many Codex jobs',
    description:
      'Splits work into independent tasks, has Codex do them side by side, and brings the patches together.',
    arguments: [
      { name: 'goal', description: 'What all the tasks together are to reach.', required: true },
      { name: 'count', description: 'How many tasks, about.', required: false },
    ],
    text: ({ goal, count }) =>
      `Split this into ${count === undefined ? '' : `about ${count} `}independent tasks that touch different files as far as possible, and start them together with codex_delegate_batch under one group_id: ${goal}\n\nWait for them with codex_job_wait, the group_id and mode all, again and again, until all have ended. ${REVIEWED} Name the patches that overlap and the order in which you would apply them.`,
  },
];

/** Values that an argument may be completed with. */
const completions: Readonly<Record<string, readonly string[]>> = { scope: SCOPES, count: COUNTS };

export const listPrompts = (): McpResult => ({
  prompts: prompts.map(({ text: _, ...advertised }) => advertised),
});

/** The prompt with its arguments filled in. Refuses one that is not there, and arguments that do not fit. */
export function getPrompt({ params }: McpRequest): McpResult {
  const prompt = prompts.find(({ name }) => name === params?.name);
  if (prompt === undefined) throw invalidParams('There is no such prompt.');
  const given = readArguments(prompt, params?.arguments ?? {});
  return {
    description: prompt.description,
    messages: [{ role: 'user', content: { type: 'text', text: prompt.text(given) } }],
  };
}

/** What an argument of a prompt can be completed with. */
export function completePrompt(params: McpRequest['params']): McpResult {
  const { ref, argument } = (params ?? {}) as {
    ref?: { name?: unknown };
    argument?: { name?: unknown; value?: unknown };
  };
  const prompt = prompts.find(({ name }) => name === ref?.name);
  const known = prompt?.arguments.some(({ name }) => name === argument?.name);
  if (!known || typeof argument?.value !== 'string')
    throw invalidParams('There is no such argument of a prompt.');
  const typed = argument.value.toLowerCase();
  const values = (completions[String(argument.name)] ?? []).filter((value) => value.startsWith(typed));
  return { completion: { values, total: values.length, hasMore: false } };
}

function readArguments(prompt: Prompt, given: unknown): Record<string, string> {
  const entries = Object.entries(given as object).filter(([, value]) => value !== '');
  const fits = ([name, value]: [string, unknown]) =>
    prompt.arguments.some((argument) => argument.name === name) &&
    typeof value === 'string' &&
    value.length <= MAX_ARGUMENT_CHARACTERS;
  const lacks = prompt.arguments.find(
    ({ name, required }) => required && !entries.some(([key]) => key === name),
  );
  if (lacks !== undefined) throw invalidParams(`The prompt needs the argument "${lacks.name}".`);
  if (!entries.every(fits))
    throw invalidParams(
      `The prompt takes ${prompt.arguments.map(({ name }) => `"${name}"`).join(' and ')}, as texts.`,
    );
  return Object.fromEntries(entries) as Record<string, string>;
}
