/** What a client's model reads about the server before any tool: some show it no tool but by name, and cut this short. */
export const instructions = `Offshoot hands coding tasks to Codex in the background, many at once. Each job works in a throwaway copy of a git repository, without network; what comes back is a patch to review, and the caller's files stay as they are.

1. codex_delegate_async takes a self-contained task and returns a job_id at once; codex_delegate_batch takes many. State goal, files, constraints and how to check the work: the agent sees the repository, with uncommitted changes to tracked files, but not this conversation.
2. Go on with other work, or call codex_job_wait with job_ids until one has ended, or with a group_id and mode all. Running out of time is no error: call again. Do not poll.
3. codex_job_result gives summary, patch, files and usage. Review the patch as a stranger's, then apply it with "git apply" (or "--3way").

To ask instead of change: codex_consult answers a question about the code, codex_review_changes judges a working tree, branch or commit; both wait, their _async twins return a job_id.

Rules:
- Give jobs that run side by side different files to change.
- Jobs spend the user's tokens. Do not start one twice: pass an idempotency_key, and find lost jobs with codex_job_list.
- codex_job_cancel ends a job and keeps its patch so far. codex_delegate waits for a short task. codex_delegate_dry_run tells what a job would start from, codex_models what can be chosen, codex_status what is missing.
- When a call is refused, follow repair in its error.
- What a job reads goes to the model, and its commands can read what the user can. AGENTS.md files steer it. Redaction of secrets is best effort.`;
