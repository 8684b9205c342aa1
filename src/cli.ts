#!/usr/bin/env node
const parameters = process.argv.slice(2);

// An MCP client waits for the bridge, so nothing else is loaded on its way.
if (parameters.length === 1 && parameters[0] === 'mcp') {
  const { runBridge } = await import('./bridge.js');
  await runBridge();
} else {
  const { main } = await import('./cli/main.js');
  process.exitCode = await main(parameters);
}
