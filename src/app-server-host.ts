import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { Host } from './app-server/host.js';
import type { HostAnswer, HostRequest } from './app-server/messages.js';

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
// Whoever asks may die in the middle of it; the jobs of all others go on.
createServer((socket) => void serve(socket).catch(() => socket.destroy())).listen('socket');
process.exit(await host.ended);

/** One request, one answer. */
async function serve(socket: Socket): Promise<void> {
  socket.on('error', () => socket.destroy());
  for await (const line of createInterface({ input: socket })) {
    const answer: HostAnswer = await host.answer(JSON.parse(line) as HostRequest);
    socket.end(`${JSON.stringify(answer)}\n`);
    return;
  }
}
