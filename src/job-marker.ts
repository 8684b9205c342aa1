/** The environment variable that marks every process of a job, with its id. */
export const JOB_MARKER = 'OFFSHOOT_JOB';
