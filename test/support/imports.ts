import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';

/** The package's own directory; the compiled tests lie three levels below it. */
export const packageDirectory = fileURLToPath(new URL('../../../', import.meta.url));

export interface Import {
  /** Module that imports: its path below src/, or `machines/…`, without `.ts`. */
  from: string;
  /** Module in the same form, or the name of a package. Node's own modules are left out. */
  to: string;
  kind: 'value' | 'type' | 'dynamic' | 'url';
  package: boolean;
}

/** Paths of the TypeScript files below a directory of the package, such as `src/job/record.ts`. */
export function sourceFiles(directory: string): string[] {
  return readdirSync(join(packageDirectory, directory), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => join(directory, path))
    .sort();
}

export const readSource = (path: string): string => readFileSync(join(packageDirectory, path), 'utf8');

/** `src/job/record.ts` is the module `job/record`; `machines/job.ts` is `machines/job`. */
export const moduleOf = (path: string): string => path.replace(/^src\//, '').replace(/\.[jt]s$/, '');

/** The ways in which a file names another: a statement, `import()`, or a URL beside the file itself. */
const statement = /^\s*(?:import|export)\s+(type\s)?(?:[\w*{}\s,]+?\sfrom\s+)?'([^']+)'/gm;
const dynamic = /\bimport\(\s*'([^']+)'\s*\)/g;
const url = /\bnew URL\(\s*'([^']+)',\s*import\.meta\.url\s*\)/g;

/** Every import of one file, type-only ones included. */
export function importsOf(path: string): Import[] {
  const text = readSource(path);
  const named = [
    ...[...text.matchAll(statement)].map(([, type, to]) => ({ to, kind: type ? 'type' : 'value' }) as const),
    ...[...text.matchAll(dynamic)].map(([, to]) => ({ to, kind: 'dynamic' }) as const),
    ...[...text.matchAll(url)].map(([, to]) => ({ to, kind: 'url' }) as const),
  ];
  return named.flatMap(({ to = '', kind }) => {
    const target = resolve(path, to);
    return target === null ? [] : [{ from: moduleOf(path), kind, ...target }];
  });
}

function resolve(path: string, name: string): Pick<Import, 'to' | 'package'> | null {
  if (name.startsWith('node:')) return null;
  if (!name.startsWith('.')) {
    return { to: name.split('/', name.startsWith('@') ? 2 : 1).join('/'), package: true };
  }
  const file = join(dirname(path), name).replace(/\.js$/, '.ts');
  // The compiler refuses an import that leads nowhere; what is left are words inside a text, and data files.
  return file.endsWith('.ts') && existsSync(join(packageDirectory, file))
    ? { to: moduleOf(file), package: false }
    : null;
}

/** What runs in the browser, not in Node. */
export const BROWSER = 'src/browser';

/** What the program is made of, without tests, benches and the browser's side of the page. */
export const programFiles = (): string[] =>
  [...sourceFiles('machines'), ...sourceFiles('src')].filter((path) => !path.startsWith(`${BROWSER}/`));
