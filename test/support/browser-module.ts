import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { packageDirectory } from './imports.js';

/** A module of the page that imports no other; what a browser runs is bundled, not compiled to modules of its own. */
// biome-ignore lint/suspicious/noExplicitAny: what it exports is declared where it is used.
export async function importBrowserModule(path: string): Promise<any> {
  const source = await readFile(join(packageDirectory, 'src/browser', path), 'utf8');
  const { code } = await transform(source, { loader: 'ts', format: 'esm' });
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
}
