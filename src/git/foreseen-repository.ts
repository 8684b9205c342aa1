import type { Outcome } from '../errors.js';
import { keepAtMost } from './keep-at-most.js';
import { type Look, patientLook } from './look.js';
import { findRepository, type Repository } from './repository.js';

/** What can be asked of a look, each under a name of its own. */
type Questions = Map<string, (look: Look) => unknown>;

const MOST_DIRECTORIES = 256;
/** What was asked to find the repository of a directory, the last time. */
const foreseen = new Map<string, Questions>();

/**
 * `findRepository` for a thread that has much else to do, whose looks would each wait for a turn of its loop: what was
 * asked of the directory the last time is asked all at once. No answer is older than the call.
 */
export async function findForeseenRepository(
  directory: string,
  look: Look = patientLook,
): Promise<Outcome<Repository>> {
  const asked: Questions = new Map();
  const found = await findRepository(directory, foreseeing(foreseen.get(directory), look, asked));
  keepAtMost(MOST_DIRECTORIES, foreseen, directory, asked);
  return found;
}

/** A look that asks some questions before it is asked. What it is asked it writes down. */
function foreseeing(questions: Questions = new Map(), look: Look, asked: Questions): Look {
  const answers = new Map<string, unknown>();
  for (const [name, put] of questions) answers.set(name, put(look));

  function answer<Answer>(name: string, put: (look: Look) => Answer): Answer {
    asked.set(name, put);
    return (answers.has(name) ? answers.get(name) : put(look)) as Answer;
  }

  return {
    at: (path) => answer(`at ${path}`, (real) => real.at(path)),
    realPath: (path) => answer(`realPath ${path}`, (real) => real.realPath(path)),
    read: (path, maxBytes) => answer(`read ${maxBytes} ${path}`, (real) => real.read(path, maxBytes)),
  };
}
