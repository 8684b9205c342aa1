/**
 * A program for `sh` that tries to outlive its job in eight ways, each ignoring SIGTERM and each touching its own
 * file below `directory` for as long as it lives. It prints `up` once all of them are there.
 */
export const bomb = (directory: string): string => `
trap '' TERM INT HUP
D='${directory}'
beat() { while :; do : >"$D/$1"; sleep 0.05; done; }
B="trap '' TERM INT HUP; while :; do : >\\"$D/\\$1\\"; sleep 0.05; done"
beat plain &
set -m; beat group & set +m
setsid sh -c "$B" sh session &
(setsid sh -c "$B" sh daemon &)
(cd / && env -i PATH=/usr/bin:/bin setsid sh -c "$B" sh cleared &)
nohup sh -c "$B" sh nohup >/dev/null 2>&1 &
(setsid setsid sh -c "$B" sh twice </dev/null >/dev/null 2>&1 &)
H='trap "" TERM INT HUP; : >"$1/hydra"; sleep 0.03; setsid sh -c "$2" sh "$1" "$2" &'
setsid sh -c "$H" sh "$D" "$H" &
for name in plain group session daemon cleared nohup twice hydra; do
  until [ -e "$D/$name" ]; do sleep 0.01; done
done
echo up
wait
`;

export const ways = ['plain', 'group', 'session', 'daemon', 'cleared', 'nohup', 'twice', 'hydra'] as const;
