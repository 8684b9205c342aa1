/**
 * The check of a property, with a way to wait for its last case: fast-check leaves the one at work that its time
 * limit interrupts, and the files of that one would be removed under it.
 */
export function withLastCase<Values extends unknown[]>(check: (...values: Values) => Promise<void>) {
  let last: Promise<void> = Promise.resolve();
  return {
    check: (...values: Values): Promise<void> => {
      last = check(...values);
      return last;
    },
    lastCase: () => last,
  };
}
