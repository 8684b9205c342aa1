import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { z } from 'zod';
import { settingKeys } from '../src/config.js';
import { errorTable } from '../src/errors.js';
import { type Listener, listen } from '../src/ipc/listen.js';
import { jobStates } from '../src/job/record.js';
import { patchTemplate, stateTemplate } from '../src/mcp/job-uri.js';
import { mcpService } from '../src/mcp/serve-mcp.js';
import { operations } from '../src/operations/index.js';
import { readSource } from './support/imports.js';
import { connectClient } from './support/mcp-client.js';
import { type McpHouse, makeMcpHouse } from './support/mcp-house.js';

type Row = [there: string, here: string, note: string];

const text = readSource('docs/migrating.md');

/** The rows of the table below a heading, without its head. */
function rowsBelow(title: string): Row[] {
  const part = text.split(/^## /m).find((each) => each.startsWith(`${title}\n`)) ?? '';
  const rows = [...part.matchAll(/^\| (.+?) \| (.+?) \|(?: (.+))? \|$/gm)].slice(2);
  return rows.map(([, there = '', here = '', note = '']) => [there, here, note]);
}

const argumentsOf = (name: string): string[] => {
  const operation = operations.find(({ tool }) => tool === name);
  assert.ok(operation, name);
  return Object.keys((operation.input as z.ZodObject).shape);
};
const wordsIn = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
const isArgument = (word: string) => /^[a-z]+(_[a-z]+)*$/.test(word) && !word.startsWith('codex_');

describe('docs/migrating.md', () => {
  const tools = rowsBelow('Tools');
  const promised = tools.filter(([, here]) => here !== 'none');
  let house: McpHouse;
  let listener: Listener;
  let client: Client;
  before(async () => {
    house = await makeMcpHouse();
    const path = join(house.stateDir, 'daemon.sock');
    const accept = { mcp: mcpService(house.service).serve, operations: () => {} };
    const listening = await listen({ path, version: '0', accept });
    assert.ok(listening.ok);
    listener = listening.value;
    client = await connectClient(path);
  });
  after(async () => {
    await client.close();
    await listener.close();
    await house.remove();
  });

  it('is right that the tools for one job look at no workspace_root: also null, which it is there unless given, is taken', async () => {
    assert.match(text, /`workspace_root` is accepted and not looked at/);
    for (const name of [
      'codex_job_status',
      'codex_job_result',
      'codex_job_consume_result',
      'codex_job_cancel',
    ]) {
      const input = { job_id: '0'.repeat(32), workspace_root: null };
      const { structuredContent } = await client.callTool({ name, arguments: input });
      assert.equal((structuredContent as { error: { code: string } }).error.code, 'job_not_found', name);
    }
  });

  it('has a row for every tool there is here', () => {
    assert.deepEqual(
      promised.flatMap(([, here]) => wordsIn(here)).sort(),
      operations.map(({ tool }) => tool).sort(),
    );
  });

  for (const [, here, note] of promised) {
    const [tool = ''] = wordsIn(here);
    it(`promises ${tool}, which answers, and takes the arguments named beside it`, async () => {
      const { structuredContent } = await client.callTool({ name: tool, arguments: { unheard_of: 1 } });
      const answer = structuredContent as { ok: boolean; error: { code: string } };
      assert.deepEqual([answer.ok, answer.error.code], [false, 'invalid_arguments']);
      const known = argumentsOf(tool);
      assert.deepEqual(
        wordsIn(note).filter((word) => isArgument(word) && !known.includes(word)),
        [],
      );
    });
  }

  it('names settings that exist, and for the others arguments and errors that exist', () => {
    const settings = rowsBelow('Settings');
    const here = settings.flatMap(([, cell]) => wordsIn(cell)).map((name) => name.toLowerCase());
    assert.ok(settings.length > 15 && here.length > 4);
    assert.deepEqual(
      here.filter((name) => !(settingKeys as string[]).includes(name)),
      [],
    );
    const known = [...argumentsOf('codex_delegate'), ...Object.keys(errorTable)];
    const named = settings.flatMap(([, , note]) => wordsIn(note)).filter(isArgument);
    assert.ok(named.length > 4);
    assert.deepEqual(
      named.filter((word) => !known.includes(word)),
      [],
    );
  });

  it('names every state and the resources', () => {
    const named = wordsIn(text);
    const resources = [stateTemplate, patchTemplate.replace('{?cursor}', '')];
    for (const word of [...jobStates, ...resources]) assert.ok(named.includes(word), word);
  });
});
