import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** The server of a ChatGPT account, as far as Codex 0.169 asks it for limits. */
export interface AccountServer {
  /** Logs the user of a Codex home in to this account. */
  logIn(codexHome: string): Promise<void>;
  /** Paths that were asked for. */
  asked: string[];
  close(): Promise<void>;
}

/** `usedPercent` of five hours; whole again at `resetsAt`, in seconds since the epoch. Null never answers. */
export async function startAccountServer(
  usedPercent: number | null,
  resetsAt: number,
): Promise<AccountServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (!request.url?.endsWith('/wham/usage')) return void response.writeHead(404).end('{}');
    if (usedPercent === null) return;
    const primary_window = {
      used_percent: usedPercent,
      limit_window_seconds: 18_000,
      reset_after_seconds: 60,
      reset_at: resetsAt,
    };
    const rate_limit = { allowed: true, limit_reached: false, primary_window, secondary_window: null };
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({ plan_type: 'plus', rate_limit, credits: null, additional_rate_limits: null }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { asked, logIn: (codexHome) => logIn(codexHome, server), close: () => close(server) };
}

async function logIn(codexHome: string, server: Server): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const part = (content: object) => Buffer.from(JSON.stringify(content)).toString('base64url');
  const claims = { email: 'test@example.invalid', exp: Math.floor(Date.now() / 1_000) + 86_400 };
  const account = { chatgpt_plan_type: 'plus', chatgpt_account_id: 'account', chatgpt_user_id: 'user' };
  const token = [{ alg: 'none' }, { ...claims, 'https://api.openai.com/auth': account }, {}]
    .map(part)
    .join('.');
  const tokens = { id_token: token, access_token: token, refresh_token: 'none', account_id: 'account' };
  await mkdir(codexHome, { recursive: true });
  await writeFile(
    join(codexHome, 'config.toml'),
    `chatgpt_base_url = "http://127.0.0.1:${port}/backend-api/"\n`,
  );
  await writeFile(
    join(codexHome, 'auth.json'),
    JSON.stringify({ OPENAI_API_KEY: null, tokens, last_refresh: new Date().toISOString() }),
  );
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
