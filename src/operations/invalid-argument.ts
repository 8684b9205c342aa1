import { refuse } from '../errors.js';

/** Refuses one argument by name, without its value, in the shape that schema validation uses as well. */
export const invalidArgument = (field: string, reason: string) =>
  refuse('invalid_arguments', { details: { fields: [{ field, reason }] } });
