import { readFileSync } from 'node:fs';
import { applyEdit, type Edit } from './edits.js';

/** A program: makes the edits, in JSON on standard input, in its working directory. */
for (const edit of JSON.parse(readFileSync(0, 'utf8')) as Edit[]) applyEdit('.', edit);
