import { readFileSync } from 'node:fs';

// The compiled file lies in dist/src, two levels below the package.
const packageFile = new URL('../../package.json', import.meta.url);

/** Version of this package, as package.json has it. */
export const version: string = (JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }).version;
