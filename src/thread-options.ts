/**
 * How a thread of ours is started. Node hands the options of this process on by itself, but for `--input-type`, as in
 * `node --input-type=module --eval …`: with that one it starts none. Told which to take, it would refuse those of V8,
 * which hold for all threads anyway, so that there a thread gets none.
 */
export const threadOptions = (options: readonly string[] = process.execArgv): { execArgv?: string[] } =>
  options.some((option) => /^--input-type(=|$)/.test(option)) ? { execArgv: [] } : {};
