import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';

/** What matters here of the user's configuration. */
export interface CodexUserConfig {
  /** Environment variables that the model providers and MCP servers read their credentials from. */
  credentials: string[];
  /** Variables that the user keeps from commands (`shell_environment_policy.exclude`). */
  excluded: string[];
  /** Directories that the user made settings for under `projects`, trust among them. */
  projects: string[];
  /** Jobs cannot share a Codex process: it would start MCP servers for them, or keep our variables from their commands. */
  ownProcess: boolean;
  /** The model is served by somebody who does not want a login at OpenAI. */
  ownProvider: boolean;
}

export const emptyUserConfig: CodexUserConfig = {
  credentials: [],
  excluded: [],
  projects: [],
  ownProcess: false,
  ownProvider: false,
};

type Table = Record<string, unknown>;

/** A profile is a file beside config.toml, laid over it. */
export const profileFile = (profile: string): string => `${profile}.config.toml`;

/**
 * Reads it, and over it the profile that is named. A file that is not there or not TOML tells nothing, and Codex
 * itself will complain.
 */
export async function readUserConfig(
  codexHome: string,
  profile: string | null = null,
): Promise<CodexUserConfig> {
  const names = ['config.toml', ...(profile === null ? [] : [profileFile(profile)])];
  const tables = await Promise.all(names.map((name) => readTable(join(codexHome, name))));
  const merged = (key: string): Table => Object.assign({}, ...tables.map((table) => tableOf(table[key])));
  return {
    credentials: tables.flatMap(credentialsOf),
    excluded: tables.flatMap((table) => textsOf(tableOf(table.shell_environment_policy).exclude)),
    projects: tables.flatMap((table) => Object.keys(tableOf(table.projects))),
    ownProcess: tables.some(
      (table) =>
        Object.keys(tableOf(table.mcp_servers)).length > 0 ||
        'include_only' in tableOf(table.shell_environment_policy),
    ),
    ownProvider: isOwnProvider(
      tables.map((table) => table.model_provider).findLast((chosen) => chosen !== undefined),
      merged('model_providers'),
    ),
  };
}

async function readTable(file: string): Promise<Table> {
  try {
    return parse(await readFile(file, 'utf8'));
  } catch {
    return {};
  }
}

const credentialsOf = (table: Table): string[] =>
  [
    ...Object.values(tableOf(table.model_providers)).map(tableOf).flatMap(providerVariables),
    ...Object.values(tableOf(table.mcp_servers)).map(tableOf).flatMap(serverVariables),
  ].filter((name) => /^\w+$/.test(name));

const providerVariables = (provider: Table): string[] =>
  textsOf([provider.env_key, ...Object.values(tableOf(provider.env_http_headers))]);

const serverVariables = (server: Table): string[] =>
  textsOf([
    server.bearer_token_env_var,
    ...Object.values(tableOf(server.env_http_headers)),
    ...(Array.isArray(server.env_vars) ? server.env_vars : []),
  ]);

function isOwnProvider(chosen: unknown, providers: Table): boolean {
  if (typeof chosen !== 'string' || chosen === 'openai') return false;
  return tableOf(providers[chosen]).requires_openai_auth !== true;
}

const tableOf = (value: unknown): Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : {};

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string') : [];
