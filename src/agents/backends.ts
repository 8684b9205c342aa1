import type { Settings } from '../config.js';
import type { AgentBackend } from './agent.js';
import { codexAppServer } from './codex-app-server.js';
import { codexExec } from './codex-exec.js';
import { command } from './command.js';

const factories: Record<Settings['backend'], () => AgentBackend> = {
  'codex-exec': codexExec,
  'codex-app-server': codexAppServer,
  // Until a job starts; what a machine needs for either is the same.
  auto: codexExec,
  command,
};
const made = new Map<string, AgentBackend>();

/** The backend of that name; made when it is first asked for, then the same one. */
export function backendOf(name: Settings['backend']): AgentBackend {
  const backend = made.get(name) ?? factories[name]();
  made.set(name, backend);
  return backend;
}
