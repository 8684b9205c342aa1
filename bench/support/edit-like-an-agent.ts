import { editLikeAnAgent } from './worktree-repository.js';

/** A program: makes the edits of an agent in its working directory, a checkout of as many files as it is told. */
await editLikeAnAgent('.', Number(process.argv[2]));
