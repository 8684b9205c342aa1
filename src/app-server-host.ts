import { createServer, type Socket } from 'node:net';
import { Host } from './app-server/host.js';
import type { HostAnswer, HostRequest } from './app-server/messages.js';
import { takeLines } from './lines.js';
import { removedOf } from './state-removed.js';

/**
 * Entry of a host: a small process that holds one `codex app-server` and runs jobs in its threads. It belongs to no
 * daemon: it is started as an agent is, under a supervisor of its own, and what comes of a job is in that job's files.
 *
 * Arguments: the host's directory, the app-server's home of Codex, then its command.
 */
const [directory = '', serverHome = '', program = '', ...words] = process.argv.slice(2);
process.umask(0o077);
// The path of a socket is short, that of a state directory need not be.
process.chdir(directory);

const host = new Host({ directory, serverHome, command: [program, ...words] });
createServer((socket) => {
  // Whoever asks may die in the middle of it; the jobs of all others go on.
  const giveUp = () => socket.destroy();
  socket.on('error', giveUp);
  takeLines(socket, (line) => void answer(socket, line).catch(giveUp));
}).listen('socket');
// Nobody would find it any more, nor what its jobs write.
const removed = removedOf([directory]).then(() => 1);
process.exit(await Promise.race([host.ended, removed]));

/** One request, one answer. */
async function answer(socket: Socket, line: string): Promise<void> {
  const answer: HostAnswer = await host.answer(JSON.parse(line) as HostRequest);
  socket.end(`${JSON.stringify(answer)}\n`);
}
