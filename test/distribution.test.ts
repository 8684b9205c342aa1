import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { settingKeys } from '../src/config.js';
import { operations } from '../src/operations/index.js';
import { packageDirectory, readSource } from './support/imports.js';

const json = (path: string) => JSON.parse(readSource(path));
const PLUGIN = '.claude-plugin/offshoot';

describe('what the registries and Claude Code read', () => {
  const { name, version, mcpName, description } = json('package.json');

  it('has the name and the version of the package', () => {
    const server = json('server.json');
    assert.equal(server.name, mcpName);
    assert.equal(server.version, version);
    assert.deepEqual([server.packages[0].identifier, server.packages[0].version], [name, version]);
    assert.equal(json(`${PLUGIN}/.claude-plugin/plugin.json`).version, version);
  });

  it('describes the package in the same words', () => {
    const [plugin] = json('.claude-plugin/marketplace.json').plugins;
    assert.equal(plugin.source, `./${PLUGIN}`);
    const texts = [json('server.json'), plugin, json(`${PLUGIN}/.claude-plugin/plugin.json`)];
    assert.deepEqual(new Set(texts.map((text) => text.description)), new Set([description]));
  });

  it('names only settings and tools that are there', () => {
    const variables: { name: string }[] = json('server.json').packages[0].environmentVariables;
    const known = settingKeys.map((key) => `OFFSHOOT_${key.toUpperCase()}`);
    assert.deepEqual(
      variables.filter((variable) => !known.includes(variable.name)),
      [],
    );
    const commands = readdirSync(join(packageDirectory, PLUGIN, 'commands'));
    assert.ok(commands.includes('delegate.md'));
    for (const path of commands) {
      const text = readSource(join(PLUGIN, 'commands', path));
      assert.match(text, /^---\ndescription: .+\n/);
      const tools = [...text.matchAll(/`(codex_\w+)`/g)].map(([, tool]) => tool);
      assert.ok(tools.length > 0, path);
      for (const tool of tools)
        assert.ok(
          operations.some((each) => each.tool === tool),
          tool,
        );
    }
  });
});
