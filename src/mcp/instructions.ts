/** What a client's model reads about the server before any tool. Some clients show it no tool but by name. */
export const instructions = `Offshoot hands coding tasks to Codex in the background; many can run at once, each in a throwaway git worktree of the repository, without network. The working tree of the caller is never changed: what comes back is a patch to review.

1. codex_delegate_async takes a self-contained task and returns a job_id at once. State the goal, the files, the constraints and how to check the work: the agent sees the repository, uncommitted changes to tracked files included, but not this conversation.
2. Go on with other work, or call codex_job_wait with one or more job_ids until one has settled. Running out of time is no error: call again.
3. codex_job_result gives summary, patch, changed files and usage. Review the patch, then apply it with "git apply" (or "git apply --3way"). codex_job_consume_result does the same and then deletes the job.

codex_delegate does all of this in one call, for short tasks. codex_job_cancel stops a job and keeps its patch so far; codex_job_list finds jobs again. When a call is refused, follow repair in its error. codex_status tells what is missing.`;
