import { refuse } from '../errors.js';

/** Refuses one argument by name, without its value, in a sentence, as schema validation does. */
export const invalidArgument = (field: string, reason: string) =>
  refuse('invalid_arguments', { details: { fields: [{ field, reason }] } });
