import { closeSync, openSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { HostAnswer, HostRequest } from '../app-server/messages.js';

/** Where a job runs that shares its process with others. */
export interface HostPlace {
  /** The host's directory, which holds its socket. */
  host: string;
  /** The directory of the attempt, by which the host knows it. */
  attempt: string;
}

/** A host that is busy answers within this time. */
const ANSWER_MS = 10_000;
/** A socket's path holds 103 bytes on macOS and 107 on Linux. */
const LONGEST_PATH_BYTES = 100;

/** Asks a host, once; null when there is none that answers. */
export function askHost(host: string, request: HostRequest): Promise<HostAnswer | null> {
  return new Promise((resolve) => {
    const { path, close } = socketOf(host);
    const socket = createConnection(path);
    let answer = '';
    socket
      .setEncoding('utf8')
      .setTimeout(ANSWER_MS, () => socket.destroy())
      .once('connect', () => socket.write(`${JSON.stringify(request)}\n`))
      .on('data', (text: string) => {
        answer += text;
      })
      .on('error', () => undefined)
      .once('close', () => {
        close();
        resolve(answer.endsWith('\n') ? (JSON.parse(answer) as HostAnswer) : null);
      });
  });
}

export function askHostToStop({ host, attempt }: HostPlace, graceMs: number): void {
  void askHost(host, { type: 'stop', directory: attempt, graceMs });
}

/** Where the path is too long for a socket, Linux reaches it by way of its open directory. */
function socketOf(host: string): { path: string; close(): void } {
  const path = join(host, 'socket');
  if (Buffer.byteLength(path) <= LONGEST_PATH_BYTES) return { path, close: () => undefined };
  let directory: number;
  try {
    directory = openSync(host, 'r');
  } catch {
    return { path, close: () => undefined };
  }
  return { path: `/proc/self/fd/${directory}/socket`, close: () => closeSync(directory) };
}
