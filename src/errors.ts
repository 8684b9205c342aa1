/**
 * The table of every error that Offshoot reports: a stable code, what happened, whether the same call may
 * succeed later by itself, and what to do next. Refusals of a call and endings of a job share it.
 */
interface ErrorEntry {
  message: string;
  /** True only when the very same call can succeed later without anybody changing anything. */
  temporary: boolean;
  /** A word for programs: what kind of step helps. */
  nextStep: string;
  /** A sentence for readers: what to do. */
  advice: string;
  /** Tool that the next step calls, where one does. */
  tool?: string;
}

export const errorTable = {
  // The call itself.
  invalid_arguments: {
    message: 'The arguments are not valid.',
    temporary: false,
    nextStep: 'correct_arguments',
    advice: 'Correct the named fields and call again.',
  },
  unknown_tool: {
    message: 'There is no such tool.',
    temporary: false,
    nextStep: 'correct_arguments',
    advice: 'Call one of the tools that tools/list names.',
  },
  input_too_large: {
    message: 'The task is larger than the limit.',
    temporary: false,
    nextStep: 'reduce_input',
    advice: 'Shorten the task; put long material into a file of the repository and name it.',
  },
  extra_args_rejected: {
    message: 'An extra argument is not one that a job may give to Codex.',
    temporary: false,
    nextStep: 'correct_arguments',
    advice: 'Leave it out, or pass -c KEY=VALUE with one of the settings that details.allowed_values names.',
  },
  invalid_workspace_root: {
    message: 'The workspace root is not an absolute path of an existing directory.',
    temporary: false,
    nextStep: 'correct_arguments',
    advice: 'Pass the absolute path of a directory inside a git repository.',
  },
  not_a_git_repo: {
    message: 'The workspace root is not inside a git repository.',
    temporary: false,
    nextStep: 'init_git_repo',
    advice: 'Pass a directory of a git repository, or run `git init` there and commit.',
  },
  bare_repository: {
    message: 'The repository is bare: it has no working tree to start from.',
    temporary: false,
    nextStep: 'correct_arguments',
    advice: 'Pass a checkout of the repository: `git clone` the bare repository and use the clone.',
  },
  no_commit: {
    message: 'The repository has no commit to start from.',
    temporary: false,
    nextStep: 'init_git_repo',
    advice: 'Make a first commit, then call again.',
  },
  job_not_found: {
    message: 'No job has this id: it never existed, was consumed, or outlived its time to live.',
    temporary: false,
    nextStep: 'list_jobs',
    advice: 'List the jobs to find the id.',
    tool: 'codex_job_list',
  },
  job_running: {
    message: 'The job has not settled yet, so it has no result.',
    temporary: true,
    nextStep: 'wait_for_job',
    advice: 'Wait for the job, then ask for its result again.',
    tool: 'codex_job_wait',
  },
  cannot_continue: {
    message: 'The job cannot be continued.',
    temporary: false,
    nextStep: 'start_new_job',
    advice: 'Start a new job instead, with all that it has to know in its task.',
  },
  result_unreadable: {
    message: 'The kept patch is missing, or is not the one that was captured.',
    temporary: false,
    nextStep: 'report',
    advice: 'Look into the log that codex_status names; codex_job_status still tells how the job ended.',
    tool: 'codex_status',
  },
  invalid_cursor: {
    message: 'The cursor does not belong to this listing.',
    temporary: false,
    nextStep: 'correct_arguments',
    advice: 'Call again without a cursor, then use the next_cursor of each answer as it stands.',
  },
  idempotency_conflict: {
    message: 'This idempotency key was used with other arguments.',
    temporary: false,
    nextStep: 'use_new_idempotency_key',
    advice: 'Use a new key for new work, or the same arguments for the same work.',
  },
  idempotency_result_unavailable: {
    message: 'The job that this idempotency key started is gone: it was consumed or outlived its time.',
    temporary: false,
    nextStep: 'use_new_idempotency_key',
    advice: 'Use a new key if the work is to be done again.',
  },
  // What has to be there before anything is spent.
  codex_not_found: {
    message: 'The Codex CLI was not found.',
    temporary: false,
    nextStep: 'install_codex',
    advice:
      'Install it with `npm install -g @openai/codex`, or set OFFSHOOT_CODEX_PATH to its path; then `offshoot stop`, so that the daemon sees it.',
  },
  codex_unsupported: {
    message: 'This Codex CLI does not understand the options that Offshoot needs.',
    temporary: false,
    nextStep: 'install_codex',
    advice: 'Install Codex CLI 0.169 or newer: `npm install -g @openai/codex`.',
  },
  codex_auth_required: {
    message: 'Codex is not logged in, or its credentials were refused.',
    temporary: false,
    nextStep: 'authenticate',
    advice: 'Run `codex login`, or set CODEX_API_KEY where the daemon starts, then `offshoot stop`.',
  },
  codex_config_rejected: {
    message: 'Codex rejected its configuration.',
    temporary: false,
    nextStep: 'correct_config',
    advice: 'Correct the config.toml that Codex names, or pass isolation "ignore-config".',
  },
  sandbox_unavailable: {
    message: "This machine cannot start Codex's sandbox, so no command of the agent could run.",
    temporary: false,
    nextStep: 'correct_config',
    advice:
      'Allow unprivileged user namespaces (sysctl user.max_user_namespaces), or use the command backend.',
  },
  command_not_set: {
    message: 'The command backend has no command to run.',
    temporary: false,
    nextStep: 'correct_config',
    advice: 'Set OFFSHOOT_COMMAND, or `command` in the configuration file.',
  },
  backend_unsupported: {
    message:
      'The backend that is configured can only delegate: it has no sandbox in which an agent only reads.',
    temporary: false,
    nextStep: 'correct_config',
    advice: 'Set OFFSHOOT_BACKEND to codex-exec, then `offshoot stop`.',
  },
  queue_full: {
    message: 'The queue is full; nothing was accepted.',
    temporary: true,
    nextStep: 'retry_after_delay',
    advice: 'Call again after retry_after_ms, or raise OFFSHOOT_MAX_QUEUED.',
  },
  nested_too_deep: {
    message: 'The call comes from the agent of a job, and jobs may not nest this deep.',
    temporary: false,
    nextStep: 'do_it_yourself',
    advice: 'Do the work in this job, or have the user raise OFFSHOOT_MAX_DEPTH.',
  },
  too_many_descendants: {
    message: 'The agents of one job have as many jobs under way as they may.',
    temporary: true,
    nextStep: 'wait_for_job',
    advice: 'Wait for some of them to end, then call again.',
    tool: 'codex_job_wait',
  },
  disk_low: {
    message: 'The disk that holds the state directory is nearly full; nothing was accepted.',
    temporary: true,
    nextStep: 'free_disk_space',
    advice: 'Free disk space, or set OFFSHOOT_STATE_DIR to a larger disk.',
  },
  disk_full: {
    message: 'The disk that holds the state directory is full.',
    temporary: false,
    nextStep: 'free_disk_space',
    advice: 'Free disk space, or set OFFSHOOT_STATE_DIR to a larger disk; then start the job again.',
  },
  draining: {
    message: 'The daemon is stopping and accepts no new work.',
    temporary: true,
    nextStep: 'retry_after_delay',
    advice: 'Call again after retry_after_ms: a new daemon starts with the next call.',
  },
  daemon_unavailable: {
    message: 'The Offshoot daemon could not be reached or started.',
    temporary: true,
    nextStep: 'inspect_and_retry',
    advice: 'Run `offshoot daemon` in a terminal to see why it does not start.',
  },
  answer_lost: {
    message: 'The daemon went away before it answered.',
    temporary: false,
    nextStep: 'look_before_retry',
    advice:
      'No job was lost, but the call may have done its work: look with codex_job_list before you make it again.',
    tool: 'codex_job_list',
  },
  store_unavailable: {
    message: 'The store could not record the change; nothing was accepted.',
    temporary: true,
    nextStep: 'inspect_and_retry',
    advice: 'Check free space and permissions of the state directory, then call again.',
  },
  store_newer: {
    message: 'The store was made by a newer Offshoot.',
    temporary: false,
    nextStep: 'correct_config',
    advice: 'Install the newest Offshoot, or set OFFSHOOT_STATE_DIR to another directory.',
  },
  store_damaged: {
    message: 'The file of the store is damaged and could not be set aside.',
    temporary: false,
    nextStep: 'correct_config',
    advice: 'Move jobs.sqlite, with its -wal and -shm, out of the state directory and start again.',
  },
  invalid_config: {
    message: 'The configuration is not valid.',
    temporary: false,
    nextStep: 'correct_config',
    advice: 'Correct the named setting; README.md tells under Settings what each is.',
  },
  // How a job can end.
  cancelled: {
    message: 'The job was cancelled.',
    temporary: false,
    nextStep: 'start_new_job',
    advice: 'The patch so far is in the result; start a new job if the work is still wanted.',
  },
  deadline_passed: {
    message: 'The job ran until its deadline.',
    temporary: false,
    nextStep: 'start_new_job',
    advice: 'The patch so far is in the result; start a smaller task, or one with a longer deadline_seconds.',
  },
  queue_deadline_passed: {
    message: 'The job waited in the queue longer than it may.',
    temporary: false,
    nextStep: 'start_new_job',
    advice: 'Nothing was spent; start it again when the queue is shorter, or raise OFFSHOOT_QUEUE_SECONDS.',
  },
  base_ref_not_found: {
    message: 'The branch, tag or commit that was named is not in the repository.',
    temporary: false,
    nextStep: 'correct_arguments',
    advice: 'Pass a branch, tag or commit that `git rev-parse` finds in that repository.',
  },
  unmerged_index: {
    message: 'The repository has unmerged paths, so there is no baseline to start from.',
    temporary: false,
    nextStep: 'inspect_and_retry',
    advice: 'Finish or abort the merge (`git status` names the paths), then start the job again.',
  },
  git_not_found: {
    message: 'git was not found.',
    temporary: false,
    nextStep: 'install_git',
    advice: 'Install git 2.30 or newer and make sure that the daemon finds it on PATH.',
  },
  repository_not_trusted: {
    message: 'git refuses the repository because another user owns it.',
    temporary: false,
    nextStep: 'correct_config',
    advice: 'Run `git config --global --add safe.directory PATH` for that repository if you trust it.',
  },
  worktree_failed: {
    message: 'The worktree could not be made.',
    temporary: false,
    nextStep: 'inspect_and_retry',
    advice: 'Read the message, mend the repository, and start the job again.',
  },
  patch_failed: {
    message: 'The patch could not be captured.',
    temporary: false,
    nextStep: 'inspect_and_retry',
    advice: 'Read the message; the events of the job tell what the agent did.',
  },
  patch_too_large: {
    message: 'The agent changed more than a patch may hold.',
    temporary: false,
    nextStep: 'start_new_job',
    advice:
      'The patch of what fits is in the result; the message names the largest files that it is without. Ask for less, or have what is generated ignored by .gitignore.',
  },
  nothing_to_review: {
    message: 'There are no changes to review, so no agent was started and nothing was spent.',
    temporary: false,
    nextStep: 'correct_arguments',
    advice: 'Choose another scope, ref or paths; this is no verdict on the changes.',
  },
  answer_invalid: {
    message: 'The agent did not answer in the form that was asked for.',
    temporary: false,
    nextStep: 'start_new_job',
    advice: 'What it said is the summary; start the job again, perhaps with another model.',
  },
  agent_failed: {
    message: 'The agent reported that its turn failed.',
    temporary: false,
    nextStep: 'inspect_and_retry',
    advice: "Read the agent's message; the patch so far is in the result.",
  },
  agent_exited: {
    message: 'The agent ended with an error before its turn was complete.',
    temporary: false,
    nextStep: 'inspect_and_retry',
    advice: "Read the agent's last words in the message; the patch so far is in the result.",
  },
  agent_killed: {
    message: 'The agent was killed from outside.',
    temporary: false,
    nextStep: 'inspect_and_retry',
    advice: 'Check the memory of the machine and who ends processes on it, then start the job again.',
  },
  agent_silent: {
    message: 'The agent gave no sign of life for too long and was stopped.',
    temporary: false,
    nextStep: 'inspect_and_retry',
    advice: 'Check that the model can be reached; the patch so far is in the result.',
  },
  agent_not_started: {
    message: 'The agent could not be started.',
    temporary: false,
    nextStep: 'inspect_and_retry',
    advice: 'Call codex_status to see what is missing on this machine.',
    tool: 'codex_status',
  },
  machine_exhausted: {
    message: 'The machine had no process, file or memory left for the job.',
    temporary: true,
    nextStep: 'retry_after_delay',
    advice: 'Lower OFFSHOOT_MAX_RUNNING, or raise the limits of processes and open files (ulimit -u, -n).',
  },
  output_too_large: {
    message: 'The agent wrote more output than is kept and was stopped.',
    temporary: false,
    nextStep: 'start_new_job',
    advice: 'The patch so far is in the result; ask the agent to be quieter.',
  },
  codex_rate_limited: {
    message: "The model's rate limit was reached.",
    temporary: true,
    nextStep: 'retry_after_delay',
    advice: 'Start the job again later; fewer jobs at once help.',
  },
  codex_usage_limit: {
    message: "The account's usage limit or quota is used up.",
    temporary: false,
    nextStep: 'inspect_and_retry',
    advice:
      'Start again after the reset that the message names, or with deadline_seconds beyond it; without one, check the plan.',
  },
  host_lost: {
    message: 'The process that ran the agent with those of other jobs ended under it, again and again.',
    temporary: true,
    nextStep: 'retry_after_delay',
    advice: 'Start the job again, with OFFSHOOT_BACKEND=codex-exec if it happens often.',
  },
  model_unavailable: {
    message: 'The model could not be reached or was overloaded.',
    temporary: true,
    nextStep: 'retry_after_delay',
    advice: 'Start the job again later.',
  },
  model_rejected: {
    message: 'The model, or what was asked of it, was rejected.',
    temporary: false,
    nextStep: 'correct_arguments',
    advice: 'Choose another model or reasoning effort.',
  },
  context_too_large: {
    message: "The task ran out of room in the model's context.",
    temporary: false,
    nextStep: 'start_new_job',
    advice: 'Split the task into smaller ones.',
  },
  internal_error: {
    message: 'Something broke inside Offshoot.',
    temporary: false,
    nextStep: 'report',
    advice: 'Look into the log that codex_status names, and report it.',
    tool: 'codex_status',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

/** A code that came over a wire: the other side may be of another version and know codes that this one does not. */
export const knownCode = (code: string, otherwise: ErrorCode): ErrorCode =>
  Object.hasOwn(errorTable, code) ? (code as ErrorCode) : otherwise;

/** A refusal as a value: what crosses seams where something can go wrong that is not a bug. */
export interface Fault {
  code: ErrorCode;
  message: string;
  /** Facts for programs, without any rejected value: field names, limits, reasons. */
  details?: Record<string, unknown>;
  retryAfterMs?: number;
  /** Arguments with which the tool of the next step can be called as they stand. */
  repairArguments?: Record<string, unknown>;
}

export type Outcome<T> = { ok: true; value: T } | { ok: false; fault: Fault };

export const succeed = <T>(value: T): Outcome<T> => ({ ok: true, value });

/** Refuses with the table's sentence, or with a better one for the case at hand. */
export const refuse = (
  code: ErrorCode,
  more: Omit<Fault, 'code' | 'message'> & { message?: string } = {},
): { ok: false; fault: Fault } => ({
  ok: false,
  fault: { ...more, code, message: more.message ?? errorTable[code].message },
});

/** What a call of the store rejects with when the store cannot be read or written: no bug of whoever called. */
export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
}

/** The answer that a client reads when a call is refused. */
export interface ErrorEnvelope {
  ok: false;
  error: {
    code: ErrorCode;
    message: string;
    temporary: boolean;
    /** Milliseconds after which the same call may succeed; null unless `temporary`. */
    retry_after_ms: number | null;
    repair: { next_step: string; advice: string; tool?: string; arguments?: Record<string, unknown> };
    details?: Record<string, unknown>;
  };
}

const DEFAULT_RETRY_MS = 1_000;

export function envelope(fault: Fault): ErrorEnvelope {
  const entry: ErrorEntry = errorTable[fault.code];
  return {
    ok: false,
    error: {
      code: fault.code,
      message: fault.message,
      temporary: entry.temporary,
      retry_after_ms: entry.temporary ? (fault.retryAfterMs ?? DEFAULT_RETRY_MS) : null,
      repair: {
        next_step: entry.nextStep,
        advice: entry.advice,
        ...(entry.tool === undefined ? {} : { tool: entry.tool }),
        ...(fault.repairArguments === undefined ? {} : { arguments: fault.repairArguments }),
      },
      ...(fault.details === undefined ? {} : { details: fault.details }),
    },
  };
}
