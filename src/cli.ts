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
  const { code = '' } = problem as NodeJS.ErrnoException;
  if (!['EMFILE', 'ENFILE'].includes(code)) throw problem;
  // Node loads many of our files at once.
  const advice = 'Raise the limit in this shell (`ulimit -n 1024`), then call again.';
  process.stderr.write(`offshoot: Too many files are open (${code}). ${advice}\n`);
  process.exitCode = 1;
}
