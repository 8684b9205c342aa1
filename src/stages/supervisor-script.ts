/**
 * The two POSIX `sh` programs that hold an agent. They belong to neither daemon nor thread: what they know
 * is in their arguments and in the files of the job, so that any daemon, now or later, can take up the run.
 */

/**
 * Starts the supervisor and ends at once, so that the agent is nobody's child: a dead thread leaves no
 * zombie behind. The claim, which only one can make, has the start happen once, whoever tries. What the shell
 * can do by itself is not done by a program, here and below: starting one costs as much as all the rest. So files
 * are written in place, at once; a reader knows a whole one by the line break at its end.
 *
 * Arguments: files directory, containment, then the command that is the supervisor.
 * Exit status 3: somebody else has started this run already. 4: its files cannot be written.
 */
export const launcherScript = `
files=$1 containment=$2
shift 2
set -C
echo 2>/dev/null >"$files/claim" || { [ -e "$files/claim" ] && exit 3; exit 4; }
set +C
: >>"$files/stdout" && : >>"$files/stderr" || exit 4
setsid "$@" </dev/null >/dev/null 2>"$files/launch" &
pid=$!
# An agent that nobody could find again must not run. Where it has ended already, its stat is gone.
boot= stat=
{ read -r boot </proc/sys/kernel/random/boot_id; read -r stat <"/proc/$pid/stat"; } 2>/dev/null
printf '%s\\n' "$pid" "$containment" "$boot" "$stat" >"$files/process" || { kill -KILL "$pid"; exit 4; }
`;

export const LAUNCHER_CANNOT_WRITE = 4;

/**
 * Runs the agent until it ends, is stopped (SIGTERM), or passes its deadline; then writes its exit status.
 * In a PID namespace it is process 1, so that with its own end the kernel ends whatever is left.
 *
 * Arguments: files directory, containment ("namespace" or "group"), working directory, deadline (seconds
 * since the epoch), seconds left until then, grace (seconds), the named pipe to hold open while it runs, then the
 * agent's command.
 */
export const supervisorScript = `
files=$1 containment=$2 directory=$3 deadline=$4 left=$5 grace=$6 sign=$7
shift 7
stopping=
[ -p "$sign" ] || mkfifo -m 600 "$sign" 2>/dev/null
[ -p "$sign" ] && { command exec 9<>"$sign"; } 2>/dev/null
signal() {
  case $containment in
    namespace) kill "-$1" -1 ;;
    group) kill "-$1" "-$agent" || kill "-$1" "$agent" ;;
  esac 2>/dev/null
}
stop() {
  [ -z "$stopping" ] || return
  stopping=yes
  signal TERM
  { sleep "$grace"; signal KILL; } 9>&- &
  reaper=$!
}
watch() {
  while [ "$left" -gt 0 ]; do
    [ "$left" -lt 30 ] || left=30
    sleep "$left"
    left=$((deadline - $(date +%s)))
  done
  kill -TERM $$
}
start() {
  cd "$directory" || exit 127
  case $containment in
    namespace) exec "$@" ;;
    group) exec setsid "$@" ;;
  esac
}
start "$@" <"$files/prompt" >>"$files/stdout" 2>>"$files/stderr" 9>&- &
agent=$!
# Not before: a shell that was just forked would take the signal for its parent's trap, and lose it.
trap stop TERM INT HUP
watch 9>&- &
watcher=$!
# A trapped signal interrupts wait: only a reaped agent has ended.
while :; do
  wait "$agent"
  status=$?
  kill -0 "$agent" 2>/dev/null || break
done
[ "$containment" = namespace ] || { signal KILL; kill $watcher $reaper 2>/dev/null; }
# The agent may have put something there, and a pipe would have this wait for its reader.
[ -e "$files/exit" ] && rm -rf "$files/exit"
# On a full disk the status waits for room: without it, work that was done would count as killed. Where the
# agent took the directory away there is nothing to wait for.
until echo "$status" >"$files/exit" || [ -n "$stopping" ] || [ ! -w "$files" ]; do sleep 1; done
`;
