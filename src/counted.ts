/** A number and what is counted, in its plural by an `s` unless there is one: `1 file`, `2 files`. */
export const counted = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? '' : 's'}`;
