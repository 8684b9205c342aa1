import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { envelope, type Fault, type Outcome, refuse, succeed } from '../errors.js';
import type { DaemonConnection } from '../ipc/connect.js';
import { errorResponse, INVALID_REQUEST, idOfOversized, isRequestId, parseObject } from '../ipc/json-rpc.js';
import { type Line, lineSplitter, MAXIMUM_LINE_BYTES } from '../lines.js';
import { type DaemonLink, daemonLink, type LinkEnd } from './daemon-link.js';
import { deathsInARow } from './deaths.js';
import { failure, rememberedSession } from './session.js';

export interface BridgeEnds {
  input: Readable;
  output: Writable;
  /** Connects to the daemon; starts one if none answers. */
  connect: () => Promise<Outcome<DaemonConnection>>;
  /** Hears why no daemon could be reached. */
  onTrouble: (fault: Fault) => void;
}

/** How long a daemon that died is tried to be replaced before requests are refused. */
const REPLACE_MS = 30_000;
/** How long answers are waited for once the client has said its last word. */
const LAST_ANSWERS_MS = 60_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4_000;
/** Bridges replace a daemon within so long of each other. */
const SPREAD_MS = 2_000;

const tooLarge = refuse('input_too_large', {
  message: 'The message is larger than the limit.',
  details: { maximum_bytes: MAXIMUM_LINE_BYTES },
}).fault;

const diedTooOften = (times: number) =>
  refuse('daemon_unavailable', {
    message: `The daemon died ${times} times in a row. The next request starts another.`,
  }).fault;

/**
 * Copies lines between an MCP client and the daemon until the client's end of input. A daemon that died is
 * started again without being asked, so that its jobs go on; one that was stopped, or died again and again, with the
 * next request. Either way the client keeps its session. What was unanswered when a daemon died is sent to the next one
 * if that does nothing twice; all else is answered with an error that says to look first.
 */
export async function copyBetween({ input, output, connect, onTrouble }: BridgeEnds): Promise<void> {
  const session = rememberedSession();
  const deaths = deathsInARow();
  const closing = new AbortController();
  let link: DaemonLink | null = null;
  let reaching: Promise<Outcome<DaemonLink>> | null = null;
  let onAnswered: () => void = () => {};

  const say = (line: string) => output.write(`${line}\n`);

  /** The daemon there is, or one that is being connected to, or a new one. */
  function reach(patienceMs = 0): Promise<Outcome<DaemonLink>> {
    if (link !== null) return Promise.resolve(succeed(link));
    reaching ??= open(patienceMs).finally(() => {
      reaching = null;
    });
    return reaching;
  }

  async function open(patienceMs: number): Promise<Outcome<DaemonLink>> {
    const connected = await connectPatiently(connect, patienceMs, closing.signal);
    if (!connected.ok) {
      giveUp(connected.fault);
      return connected;
    }
    link = daemonLink(connected.value.socket, output, receive, ended);
    for (const line of session.introduction()) void link.send(line);
    return succeed(link);
  }

  function receive(line: Line): Buffer | null {
    const bytes = 'bytes' in line ? line.bytes : Buffer.from(refuseOversized(line.oversized));
    const forClient = session.received(bytes);
    onAnswered();
    return forClient;
  }

  function ended({ onPurpose, livedMs }: LinkEnd): void {
    link = null;
    if (closing.signal.aborted) return;
    const unwelcomed = session.mayIntroduceAgain();
    const pause = onPurpose ? null : deaths.pauseAfter(livedMs);
    tell(session.lose(onPurpose));
    if (unwelcomed) void reach(REPLACE_MS);
    else if (!session.answered()) replaceAfter(0);
    else if (pause !== null) replaceAfter(pause);
    else if (!onPurpose) giveUp(diedTooOften(deaths.count()));
  }

  /** After a pause of its own for each bridge: else a hundred of them would start a hundred daemons at once. */
  function replaceAfter(leastMs: number): void {
    const replace = () => closing.signal.aborted || void reach(REPLACE_MS);
    setTimeout(replace, leastMs + Math.random() * SPREAD_MS).unref();
  }

  function giveUp(fault: Fault): void {
    onTrouble(fault);
    tell(session.giveUp(fault));
  }

  function tell(answers: readonly string[]): void {
    for (const answer of answers) say(answer);
    onAnswered();
  }

  async function forward(line: Line): Promise<void> {
    if ('oversized' in line) {
      say(refuseOversized(line.oversized));
      return;
    }
    if (link === null && session.withdrawn(line.bytes)) return;
    const reached = await reach();
    if (reached.ok) {
      await reached.value.send(session.sent(line.bytes));
    } else {
      const id = parseObject(line.bytes)?.id;
      if (isRequestId(id)) say(failure(id, reached.fault));
    }
  }

  async function lastWords(): Promise<void> {
    const answered = new AbortController();
    onAnswered = () => session.answered() && answered.abort();
    if (!session.answered()) await sleep(LAST_ANSWERS_MS, null, { signal: answered.signal }).catch(() => {});
  }

  await eachLine(input, forward);
  await lastWords();
  closing.abort();
  (link as DaemonLink | null)?.close();
}

async function eachLine(input: Readable, handle: (line: Line) => Promise<void>): Promise<void> {
  const splitter = lineSplitter();
  try {
    for await (const chunk of input) {
      for (const line of splitter.push(chunk)) await handle(line);
    }
  } catch {
    // An input that breaks has ended.
  }
  for (const line of splitter.end()) await handle(line);
}

/** Connects, and tries again with growing pauses until the patience is at its end. */
async function connectPatiently(
  connect: () => Promise<Outcome<DaemonConnection>>,
  patienceMs: number,
  signal: AbortSignal,
): Promise<Outcome<DaemonConnection>> {
  const deadline = performance.now() + patienceMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const connected = await connect();
    if (connected.ok || performance.now() + pause > deadline) return connected;
    await sleep(pause, null, { signal }).catch(() => {});
    if (signal.aborted) return connected;
  }
}

const refuseOversized = (ends: { head: Buffer; tail: Buffer }) =>
  errorResponse(idOfOversized(ends), INVALID_REQUEST, tooLarge.message, envelope(tooLarge));
