import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { type Listener, listen } from '../../src/ipc/listen.js';
import { mcpService } from '../../src/mcp/serve-mcp.js';
import { connectClient } from '../support/mcp-client.js';
import { type McpHouse, makeMcpHouse } from '../support/mcp-house.js';
import { type StatelessClient, statelessOverSocket } from '../support/stateless-client.js';

describe('prompts', () => {
  let house: McpHouse;
  let listener: Listener;
  let client: Client;
  let stateless: StatelessClient;
  before(async () => {
    house = await makeMcpHouse();
    await mkdir(house.stateDir, { recursive: true });
    const path = join(house.stateDir, 'daemon.sock');
    const { serve } = mcpService(house.service);
    const listening = await listen({ path, version: '0', accept: { mcp: serve, operations: () => {} } });
    if (!listening.ok) throw new Error(listening.fault.message);
    listener = listening.value;
    client = await connectClient(path);
    stateless = await statelessOverSocket(path);
  });
  after(async () => {
    await client.close();
    stateless.close();
    await listener.close();
    await house.remove();
  });

  it('are listed with their arguments, each described', async () => {
    const { prompts } = await client.listPrompts();
    assert.deepEqual(
      prompts.map(({ name, arguments: given = [] }) => [name, ...given.map((each) => each.name)]),
      [
        ['delegate', 'task'],
        ['review', 'scope'],
        ['consult', 'question'],
        ['swarm', 'goal', 'count'],
      ],
    );
    for (const { description, arguments: given = [] } of prompts) {
      assert.ok(description && given.every((each) => each.description));
    }
    const { result } = await stateless.ask('prompts/list');
    assert.deepEqual(result.prompts, prompts);
  });

  it('become a message that names the tools to use, with what the user said in it', async () => {
    const said = 'rename the parser "$&" {task}';
    const wanted = { delegate: 'task', consult: 'question', swarm: 'goal' };
    for (const [name, argument] of Object.entries(wanted)) {
      const { messages } = await client.getPrompt({ name, arguments: { [argument]: said } });
      const [message] = messages;
      assert.equal(message?.role, 'user');
      assert.ok(message.content.type === 'text' && message.content.text.includes(said));
      assert.match(message.content.text, /codex_\w+/);
      const { result } = await stateless.ask('prompts/get', { name, arguments: { [argument]: said } });
      assert.deepEqual(result.messages, messages);
    }
    const { messages } = await client.getPrompt({ name: 'review' });
    assert.match(JSON.stringify(messages), /working tree/);
  });

  it('are refused when they are not there, lack an argument or get one that does not fit', async () => {
    const odd = 'odd_value';
    const refused: [object, RegExp][] = [
      [{ name: odd }, /no such prompt/],
      [{ name: 'toString' }, /no such prompt/],
      [{}, /no such prompt/],
      [{ name: 'delegate' }, /needs the argument "task"/],
      [{ name: 'delegate', arguments: { task: '' } }, /needs the argument "task"/],
      [{ name: 'delegate', arguments: { task: 'x', [odd]: 'y' } }, /takes "task"/],
      [{ name: 'delegate', arguments: { task: 7 } }, /takes "task"/],
      [{ name: 'delegate', arguments: { task: 'x'.repeat(20_001) } }, /takes "task"/],
      [{ name: 'delegate', arguments: null }, /needs the argument "task"/],
    ];
    for (const [params, message] of refused) {
      const { error } = await stateless.ask('prompts/get', params);
      assert.equal(error.code, -32602, JSON.stringify(params).slice(0, 80));
      assert.match(error.message, message);
      assert.ok(!error.message.includes(odd));
    }
  });

  it('have arguments that can be completed', async () => {
    const complete = async (prompt: string, name: string, value: string) => {
      const params = { ref: { type: 'ref/prompt' as const, name: prompt }, argument: { name, value } };
      const { result, error } = await stateless.ask('completion/complete', params);
      if (error !== undefined) return error.code;
      assert.deepEqual((await client.complete(params)).completion.values, result.completion.values);
      return result.completion.values;
    };
    assert.deepEqual(await complete('review', 'scope', ''), ['working tree', 'branch', 'commit']);
    assert.deepEqual(await complete('review', 'scope', 'Br'), ['branch']);
    assert.deepEqual(await complete('swarm', 'count', '1'), ['10']);
    assert.deepEqual(await complete('delegate', 'task', 're'), []);
    assert.equal(await complete('delegate', 'scope', ''), -32602);
    assert.equal(await complete('odd', 'task', ''), -32602);
  });
});
