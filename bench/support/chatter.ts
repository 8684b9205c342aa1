/**
 * A program of its own, so that writing for hundreds of agents does not disturb whoever measures: writes lines
 * into the pipes of a directory, each an agent that says what comes through its pipe.
 *
 * Arguments: the directory, lines a second for each pipe. Ends with the end of its standard input, and then
 * tells how many lines it wrote.
 */
import { closeSync, constants, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const ROUND_MS = 100;
/** As long as a short event of an agent; a block of them fits into a pipe, so a write is whole or refused. */
const LINE = `${JSON.stringify({ type: 'item.completed', item: { type: 'agent_message', text: 'x'.repeat(60) } })}\n`;

const [directory = '', linesPerSecond = '1000'] = process.argv.slice(2);
const linesPerRound = Math.round((Number(linesPerSecond) * ROUND_MS) / 1_000);
const block = Buffer.from(LINE.repeat(linesPerRound));
const pipes = new Map<string, number>();
let written = 0;
let refused = 0;

const round = setInterval(() => {
  for (const name of readdirSync(directory)) {
    // Opened for both ways, so that opening waits for nobody.
    const pipe = pipes.get(name) ?? openSync(join(directory, name), constants.O_RDWR | constants.O_NONBLOCK);
    pipes.set(name, pipe);
    if (write(pipe)) written += linesPerRound;
    else refused += linesPerRound;
  }
}, ROUND_MS);

function write(pipe: number): boolean {
  for (let offset = 0; offset < block.length; ) {
    try {
      offset += writeSync(pipe, block, offset);
    } catch {
      // The pipe is full: whoever reads it is behind. A block that was begun must be finished.
      if (offset === 0) return false;
    }
  }
  return true;
}

process.stdin.resume().on('end', () => {
  clearInterval(round);
  for (const pipe of pipes.values()) closeSync(pipe);
  process.stdout.write(JSON.stringify({ written, refused }));
});
