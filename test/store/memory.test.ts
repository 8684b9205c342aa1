import { createMemoryStore } from '../../src/store/memory.js';
import { conformance } from './conformance.js';

conformance('memory', async () => createMemoryStore());
