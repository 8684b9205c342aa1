import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { UNREAD } from '../../src/app-server/protocol.js';
import { codexWrapper } from '../support/agents.js';
import { temporaryDirectory } from '../support/directory.js';

const run = promisify(execFile);

/** What must hold between the types that are used here (`Ours`) and those that Codex generates. */
const CHECK = `
import type * as Ours from '${resolve('src/app-server/protocol.ts')}';
import type { InitializeParams } from './generated/InitializeParams.ts';
import type { ClientRequest } from './generated/ClientRequest.ts';
import type { ServerNotification } from './generated/ServerNotification.ts';
import type { ThreadResumeResponse } from './generated/v2/ThreadResumeResponse.ts';
import type { ThreadStartResponse } from './generated/v2/ThreadStartResponse.ts';
import type { TurnStartResponse } from './generated/v2/TurnStartResponse.ts';

type Fits<Given extends Taken, Taken> = Given;
/** Never where what is given fits, else its name. */
type Misfit<Given, Taken, Name> = [Given] extends [Taken] ? never : Name;

// What is sent is accepted.
type Sent<Method extends string> = Extract<ClientRequest, { method: Method }>['params'];
type Initialize = Fits<Ours.InitializeParams, InitializeParams>;
type MisfitParams = {
  [Method in keyof Ours.Requests]: Misfit<Ours.Requests[Method]['params'], Sent<Method>, Method>;
}[keyof Ours.Requests];

// What is read is there.
type Started = Fits<ThreadStartResponse, Ours.ThreadStarted>;
type Resumed = Fits<ThreadResumeResponse, Ours.ThreadStarted>;
type Turned = Fits<TurnStartResponse, Ours.Requests['turn/start']['result']>;
type Read<Method extends string> = Extract<ServerNotification, { method: Method }>['params'];
type Told<Method extends string> = Extract<Ours.ThreadNotification, { method: Method }>['params'];
type Plain = Exclude<Ours.ThreadNotification['method'], 'item/started' | 'item/completed'>;
type MisfitNotifications = { [Method in Plain]: Misfit<Read<Method>, Told<Method>, Method> }[Plain];
type Item = Read<'item/started'>['item'] | Read<'item/completed'>['item'];
type ItemType = Ours.ThreadItem['type'];
type MisfitItems = {
  [Type in ItemType]: Misfit<Extract<Item, { type: Type }>, Extract<Ours.ThreadItem, { type: Type }>, Type>;
}[ItemType];
type Missing = Exclude<ItemType, Item['type']> | Exclude<UnreadName, ServerNotification['method']>;

export type Checked = [Initialize, Started, Resumed, Turned];
export type None = Fits<MisfitParams | MisfitNotifications | MisfitItems | Missing, never>;
`;

test("the protocol's types are those that the pinned Codex generates", async () => {
  const temporary = await temporaryDirectory();
  try {
    const generated = join(temporary.path, 'generated');
    await run(codexWrapper, ['app-server', 'generate-ts', '--experimental', '--out', generated], {
      env: { PATH: process.env.PATH, HOME: temporary.path, CODEX_HOME: temporary.path },
    });
    const names = UNREAD.map((name) => JSON.stringify(name)).join(' | ');
    await writeFile(join(temporary.path, 'check.ts'), `${CHECK}\ntype UnreadName = ${names};\n`);
    const configuration = {
      compilerOptions: {
        strict: true,
        noEmit: true,
        target: 'ES2022',
        module: 'ESNext',
        moduleResolution: 'bundler',
        allowImportingTsExtensions: true,
        skipLibCheck: true,
        types: [],
      },
      files: ['check.ts'],
    };
    await writeFile(join(temporary.path, 'tsconfig.json'), JSON.stringify(configuration));
    const compiler = resolve('node_modules/.bin/tsc');
    const said = await run(compiler, ['-p', temporary.path]).then(
      ({ stdout }) => stdout,
      (problem: { stdout: string }) => problem.stdout,
    );
    assert.equal(said, '');
  } finally {
    await temporary.remove();
  }
});
