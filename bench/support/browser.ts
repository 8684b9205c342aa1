import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Context } from '../scenario.js';

/** Where Chromium or Chrome is, by system; Debian's own program where its script lacks the settings it reads. */
const PLACES = [
  '/usr/lib/chromium/chromium',
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
/** For a browser that needs no screen, and asks nobody but the page for anything. */
export const QUIET_FLAGS: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const FLAGS = [...QUIET_FLAGS, '--headless=new', '--remote-debugging-port=0', '--window-size=1280,800'];
const STARTING_MS = 180_000;

/** A Chromium or Chrome of this machine, if it has one. */
export const findBrowser = (): string | null => PLACES.find((path) => existsSync(path)) ?? null;

/** A tab of a browser, driven over the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/). */
export interface Tab {
  open(address: string): Promise<void>;
  /** What an expression comes to in the page, once it has settled if it is a promise. */
  evaluate<Value>(expression: string): Promise<Value>;
  /** Seconds that the main thread of the tab has been at work since it is there. */
  busySeconds(): Promise<number>;
}

/** Starts the browser with a profile and a tab of its own; it is ended with the scenario. */
export async function startBrowser(context: Context, program: string): Promise<Tab> {
  const profile = await mkdtemp(join(context.directory, 'browser-'));
  const child = spawn(program, [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], {
    env: { HOME: profile, PATH: '/usr/bin:/bin', TMPDIR: profile },
    stdio: 'ignore',
  });
  context.atEnd(() => endBrowser(child, profile));
  const connection = await connect(await debuggerAddress(context, child, profile));
  const { targetId } = await connection('Target.createTarget', { url: 'about:blank' });
  const { sessionId } = await connection('Target.attachToTarget', { targetId, flatten: true });
  const tell = (method: string, params: object = {}) => connection(method, params, sessionId);
  for (const domain of ['Page', 'Runtime', 'Performance']) await tell(`${domain}.enable`);
  return {
    async open(url) {
      await tell('Page.navigate', { url });
    },
    async evaluate(expression) {
      const { result, exceptionDetails } = await tell('Runtime.evaluate', {
        expression,
        awaitPromise: true,
        returnByValue: true,
      });
      if (exceptionDetails !== undefined) throw new Error(`The page failed: ${exceptionDetails.text}`);
      return result.value;
    },
    async busySeconds() {
      const { metrics } = await tell('Performance.getMetrics');
      return metrics.find(({ name }: { name: string }) => name === 'TaskDuration').value;
    },
  };
}

async function endBrowser(child: ChildProcess, profile: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  await rm(profile, { recursive: true, force: true, maxRetries: 10 });
}

/** The browser writes its port and the path of its socket into its profile as soon as it listens. */
async function debuggerAddress(context: Context, child: ChildProcess, profile: string): Promise<string> {
  for (const until = performance.now() + STARTING_MS; performance.now() < until; await delay(20)) {
    context.signal.throwIfAborted();
    const text = await readFile(join(profile, 'DevToolsActivePort'), 'utf8').catch(() => '');
    const [port, path] = text.split('\n');
    if (path) return `ws://127.0.0.1:${port}${path}`;
    if (child.exitCode !== null) break;
  }
  throw new Error('The browser did not start.');
}

// biome-ignore lint/suspicious/noExplicitAny: the protocol has hundreds of answers, of which four are read.
type Tell = (method: string, params: object, sessionId?: string) => Promise<any>;

async function connect(address: string): Promise<Tell> {
  const socket = new WebSocket(address);
  const waiting = new Map<number, { resolve(result: unknown): void; reject(problem: Error): void }>();
  socket.on('message', (text) => {
    const { id, result, error } = JSON.parse(String(text));
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asked?.resolve(result);
    else asked?.reject(new Error(error.message));
  });
  socket.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error('The browser ended.'));
  });
  await once(socket, 'open');
  let lastId = 0;
  return (method, params, sessionId) =>
    new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      socket.send(JSON.stringify({ id: lastId, method, params, sessionId }));
    });
}
