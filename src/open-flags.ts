import { constants } from 'node:fs';

/*
 * How files are opened that lie where an agent could write. A named pipe put in the place of one makes whoever opens
 * it wait for its other end, and a thread that waits holds up the jobs of others. With these flags it is read as empty,
 * or refused.
 */

export const READ_WITHOUT_WAITING = constants.O_RDONLY | constants.O_NONBLOCK;

/** Makes the file anew, or empties the one that is there. */
export const WRITE_WITHOUT_WAITING =
  constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK;
