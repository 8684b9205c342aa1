/**
 * What a thread of ours is started with: the options of this process, without those that tell how its own text is to be
 * read, as in `node --input-type=module --eval …`. Node refuses them for a thread.
 */
export const threadOptions = (options: readonly string[] = process.execArgv): string[] =>
  options.filter((option, at) => !/^--input-type(=|$)/.test(option) && options[at - 1] !== '--input-type');
