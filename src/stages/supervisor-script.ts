/**
 * The two POSIX `sh` programs that hold an agent. They belong to neither daemon nor thread: what they know
 * is in their arguments and in the files of the job, so that any daemon, now or later, can take up the run.
 */

/**
 * Starts the supervisor and ends at once, so that the agent is nobody's child: a dead thread leaves no
 * zombie behind. `mkdir` makes the start happen once, whoever tries.
 *
 * Arguments: supervisor program, wrapper (words that make a namespace, or none), then the supervisor's.
 * Exit status 3: somebody else has started this run already. 4: its files cannot be written.
 */
export const launcherScript = `
program=$1 wrapper=$2 files=$3 containment=$4
shift 2
mkdir "$files/claim" 2>/dev/null || exit 3
: >>"$files/stdout" && : >>"$files/stderr" || exit 4
# Unquoted: the wrapper is several words.
setsid $wrapper sh -c "$program" offshoot-supervisor "$@" </dev/null >/dev/null 2>"$files/launch" &
pid=$!
# An agent that nobody could find again must not run. Where it has ended already, its stat is gone.
if {
  echo "$pid" && echo "$containment" && cat /proc/sys/kernel/random/boot_id
} >"$files/process.new" 2>/dev/null; then
  cat "/proc/$pid/stat" >>"$files/process.new" 2>/dev/null
  mv "$files/process.new" "$files/process"
else
  kill -KILL "$pid"
  exit 4
fi
`;

export const LAUNCHER_CANNOT_WRITE = 4;

/**
 * Runs the agent until it ends, is stopped (SIGTERM), or passes its deadline; then writes its exit status.
 * In a PID namespace it is process 1, so that with its own end the kernel ends whatever is left.
 *
 * Arguments: files directory, containment ("namespace" or "group"), working directory, deadline (seconds
 * since the epoch), grace (seconds), then the agent's command.
 */
export const supervisorScript = `
files=$1 containment=$2 directory=$3 deadline=$4 grace=$5
shift 5
agent= stopping=
signal() {
  [ -n "$agent" ] || return
  case $containment in
    namespace) kill "-$1" -1 ;;
    group) kill "-$1" "-$agent" || kill "-$1" "$agent" ;;
  esac 2>/dev/null
}
stop() {
  [ -z "$stopping" ] || return
  stopping=yes
  signal TERM
  { sleep "$grace"; signal KILL; } &
  reaper=$!
}
watch() {
  while left=$((deadline - $(date +%s))); [ "$left" -gt 0 ]; do
    [ "$left" -lt 30 ] || left=30
    sleep "$left"
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
trap stop TERM INT HUP
start "$@" <"$files/prompt" >>"$files/stdout" 2>>"$files/stderr" &
agent=$!
[ -z "$stopping" ] || signal TERM
watch &
watcher=$!
# A trapped signal interrupts wait: only a reaped agent has ended.
while :; do
  wait "$agent"
  status=$?
  kill -0 "$agent" 2>/dev/null || break
done
[ "$containment" = namespace ] || { signal KILL; kill $watcher $reaper 2>/dev/null; }
# On a full disk the status waits for room: without it, work that was done would count as killed.
until echo "$status" >"$files/exit.new" || [ -n "$stopping" ]; do sleep 1; done
mv "$files/exit.new" "$files/exit"
`;
