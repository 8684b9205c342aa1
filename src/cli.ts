#!/usr/bin/env node
const parameters = process.argv.slice(2);

try {
  // An MCP client waits for the bridge, so nothing else is loaded on its way.
  if (parameters.length === 1 && parameters[0] === 'mcp') {
    const { runBridge } = await import('./bridge.js');
    await runBridge();
  } else {
    const { main } = await import('./cli/main.js');
    process.exitCode = await main(parameters);
  }
} catch (problem) {
  const { code = '', errno, message } = problem as NodeJS.ErrnoException;
  // What is no answer of the system is a bug of ours, and is told with its stack.
  if (errno === undefined) throw problem;
  // Node loads many of our files at once.
  const words = ['EMFILE', 'ENFILE'].includes(code)
    ? `Too many files are open (${code}). Raise the limit in this shell (\`ulimit -n 1024\`), then call again.`
    : `The system refused: ${message}. Look at the permissions and the free space there.`;
  process.stderr.write(`offshoot: ${words}\n`);
  process.exitCode = 1;
}
