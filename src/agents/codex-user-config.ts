import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'smol-toml';

/** What matters here of the user's config.toml. */
export interface CodexUserConfig {
  /** Environment variables that the model providers and MCP servers read their credentials from. */
  credentials: string[];
  /** Variables that the user keeps from commands (`shell_environment_policy.exclude`). */
  excluded: string[];
  /** Directories that the user made settings for under `projects`, trust among them. */
  projects: string[];
  /** The model is served by somebody who does not want a login at OpenAI. */
  ownProvider: boolean;
}

export const emptyUserConfig: CodexUserConfig = {
  credentials: [],
  excluded: [],
  projects: [],
  ownProvider: false,
};

type Table = Record<string, unknown>;

/** Reads it; a file that is not there or not TOML tells nothing, and Codex itself will complain. */
export async function readUserConfig(codexHome: string): Promise<CodexUserConfig> {
  let config: Table;
  try {
    config = parse(await readFile(join(codexHome, 'config.toml'), 'utf8'));
  } catch {
    return emptyUserConfig;
  }
  const providers = tableOf(config.model_providers);
  return {
    credentials: [
      ...Object.values(providers).map(tableOf).flatMap(providerVariables),
      ...Object.values(tableOf(config.mcp_servers)).map(tableOf).flatMap(serverVariables),
    ].filter((name) => /^\w+$/.test(name)),
    excluded: textsOf(tableOf(config.shell_environment_policy).exclude),
    projects: Object.keys(tableOf(config.projects)),
    ownProvider: isOwnProvider(config.model_provider, providers),
  };
}

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
