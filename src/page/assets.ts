import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';

const directory = new URL('../../page/', import.meta.url);

const HTML = 'text/html; charset=utf-8';
const SCRIPT = 'text/javascript; charset=utf-8';

/** What the page is made of: by path, the file that `npm run build` made, and its type. */
const assets: Record<string, { file: string; type: string }> = {
  '/': { file: 'index.html', type: HTML },
  '/page.js': { file: 'page.js', type: SCRIPT },
  '/page.css': { file: 'page.css', type: 'text/css; charset=utf-8' },
  '/icon.svg': { file: 'icon.svg', type: 'image/svg+xml' },
  '/stately': { file: 'stately.html', type: HTML },
  '/stately.js': { file: 'stately.js', type: SCRIPT },
};

const STATELY = 'https://stately.ai';

/** Nothing is loaded from elsewhere; only the bridge to Stately's inspector may show that in a frame. */
const policyOf = (path: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    ...(path === '/stately' ? [`frame-src ${STATELY}`] : []),
  ].join('; ');

export const isAsset = (path: string): boolean => Object.hasOwn(assets, path);

export async function sendAsset(response: ServerResponse, path: string): Promise<boolean> {
  const asset = assets[path];
  if (asset === undefined) return false;
  const bytes = await readFile(new URL(asset.file, directory));
  response
    .writeHead(200, {
      'content-type': asset.type,
      'content-security-policy': policyOf(path),
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    })
    .end(bytes);
  return true;
}
