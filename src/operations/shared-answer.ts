/** The JSON of answers that many callers get. A memory of every answer would cost more than it saves. */
const texts = new WeakMap<object, string>();

/** Freezes an answer and has it put into text once for all who get it. */
export function shareAnswer<Answer extends object>(answer: Answer): Answer {
  texts.set(answer, JSON.stringify(answer));
  return Object.freeze(answer);
}

/** The text of a shared answer; undefined for any other. */
export const sharedText = (answer: unknown): string | undefined => texts.get(answer as object);

/** The answer for somebody who may change it: of a shared one a copy. */
export function ownAnswer<Answer>(answer: Answer): Answer {
  const shared = sharedText(answer);
  return shared === undefined ? answer : JSON.parse(shared);
}
