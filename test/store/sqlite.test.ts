import { after } from 'node:test';
import { storeFiles } from '../support/store-files.js';
import { conformance } from './conformance.js';

const files = storeFiles();
after(files.clean);
conformance('sqlite', () => files.open());
