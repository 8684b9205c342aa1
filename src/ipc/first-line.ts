import type { Socket } from 'node:net';

const NEWLINE = 0x0a;

/**
 * Reads the first line of a connection; what follows it stays in the socket, which is left paused.
 * Null if the connection ends first, the line is too long, or the time runs out.
 */
export function readFirstLine(
  socket: Socket,
  limits: { maximumBytes: number; timeoutMs: number },
): Promise<string | null> {
  return new Promise((resolve) => {
    let held = Buffer.alloc(0);
    const timer = setTimeout(() => finish(null), limits.timeoutMs);

    function read(chunk: Buffer): void {
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf(NEWLINE);
      const length = end < 0 ? held.length : end;
      if (length > limits.maximumBytes) finish(null);
      else if (end >= 0) finish(held.toString('utf8', 0, end), held.subarray(end + 1));
    }
    const gone = () => finish(null);

    function finish(line: string | null, rest?: Buffer): void {
      clearTimeout(timer);
      socket.off('data', read).off('error', gone).off('close', gone).off('end', gone);
      socket.pause();
      if (rest !== undefined && rest.length > 0) socket.unshift(rest);
      resolve(line);
    }

    socket.on('data', read).on('error', gone).on('close', gone).on('end', gone);
    socket.resume();
  });
}
