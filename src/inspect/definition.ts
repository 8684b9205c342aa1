import { jobMachine } from '../../machines/job.js';

/** The job machine's configuration as JSON, as Stately's editor and inspector read it; functions are left out. */
export const machineDefinition = (): string => JSON.stringify(jobMachine.config);
