import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Ways in which an agent may behave; the first word of a task names one. */
export const behaviours = {
  writes: 'echo made >made.txt; echo "I made it."',
  fails: 'echo half >half.txt; echo "It went wrong." >&2; exit 3',
  floods: 'yes "a flood of words" | head -c 20000000; echo x >x.txt',
  'one-long-line': 'head -c 100000000 /dev/zero | tr "\\0" x; echo x >x.txt',
  garbage: 'printf \'{"type":\\n}}]\\n\\377\\376\\000\\033[2J\'; head -c 100000 /dev/urandom; echo x >x.txt',
  hangs: 'echo x >x.txt; exec sleep 600',
  'ignores-sigterm': "trap '' TERM INT HUP; echo x >x.txt; while :; do sleep 0.2; done",
  daemonises: '(setsid sh "$ROOT/stay.sh" &) ; echo x >x.txt; exit 0',
  'daemonises-without-environment': 'env -i setsid sh "$ROOT/stay.sh" & echo x >x.txt; exit 0',
  'fills-disk': 'head -c 2000000 /dev/urandom >big.bin; head -c 5000000 /dev/zero >"$TMPDIR/more.bin"',
  'closes-stdout': 'exec >&- 2>&-; sleep 1; echo late >late.txt',
  'kills-parent': 'echo x >x.txt; kill -9 $PPID; sleep 600',
  'deletes-git': 'rm -rf .git; echo x >a.txt',
  fifos: 'mkfifo pipe; ln -s /nonexistent/outside link; mkdir -p "$(printf "a\\nb")"; echo x >x.txt',
  'ends-by-signal': 'echo x >x.txt; kill -SEGV $$',
  'many-files': 'i=0; while [ $i -lt 10000 ]; do : >f$i; i=$((i+1)); done',
} as const;

export type Behaviour = keyof typeof behaviours;

/** Writes the misbehaving agent below `root`; answers the command line that runs it. */
export async function makeAgent(root: string): Promise<string> {
  const program = join(root, 'agent.sh');
  const cases = Object.entries(behaviours).map(([name, commands]) => `${name}) ${commands} ;;`);
  await writeFile(join(root, 'stay.sh'), "trap '' TERM INT HUP\nwhile :; do sleep 0.2; done\n");
  await writeFile(
    program,
    `ROOT='${root}'\nread -r behaviour rest\ncase $behaviour in\n${cases.join('\n')}\nesac\n`,
  );
  return `exec sh '${program}'`;
}
