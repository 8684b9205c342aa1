import { version } from '../version.js';

/** Who the server says it is, in every revision. */
export const serverInfo = { name: 'offshoot', title: 'Offshoot', version };
