import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadSettings } from '../src/config.js';

describe('a setting that does not fit', () => {
  const told: [variable: string, value: string, must: string][] = [
    ['OFFSHOOT_MAX_RUNNING', 'many', 'must be a whole number from 1 to 1000'],
    ['OFFSHOOT_MAX_RUNNING', '0', 'must be a whole number from 1 to 1000'],
    ['OFFSHOOT_DEADLINE_SECONDS', '604801', 'must be a whole number from 1 to 604800'],
    ['OFFSHOOT_OVERLAY', 'perhaps', 'must be true or false'],
    ['OFFSHOOT_BACKEND', 'codex', 'must be one of codex-exec, codex-app-server, auto, command'],
    ['OFFSHOOT_LOG_LEVEL', 'loud', 'must be one of silent, error, warn, info, debug, trace'],
    ['OFFSHOOT_CODEX_PATH', 'codex', 'must be an absolute path'],
    ['OFFSHOOT_TOKEN_LIMITS', 'ci', 'must be an object, in JSON'],
    ['OFFSHOOT_TOKEN_LIMITS', '{"ci": {"max_running": 0}}', 'must be a whole number from 1 to 1000'],
    ['OFFSHOOT_TOKEN_LIMITS', '{"ci": {"running": 1}}', 'Unrecognized key: "running"'],
  ];

  for (const [variable, value, must] of told) {
    it(`is told by its name with what it must be: ${variable}=${value}`, () => {
      const refused = loadSettings({ HOME: '/nowhere', [variable]: value });
      assert.equal(refused.ok || refused.fault.message, `The value of ${variable} is not valid: ${must}.`);
    });
  }
});
