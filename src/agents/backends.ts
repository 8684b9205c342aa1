import type { Settings } from '../config.js';
import type { AgentBackend } from './agent.js';
import { codexExec } from './codex-exec.js';
import { command } from './command.js';

const factories: Record<Settings['backend'], () => AgentBackend> = {
  'codex-exec': codexExec,
  command,
};
const made = new Map<string, AgentBackend>();

/** The backend of that name; made when it is first asked for, then the same one. */
export function backendOf(name: Settings['backend']): AgentBackend {
  const backend = made.get(name) ?? factories[name]();
  made.set(name, backend);
  return backend;
}
