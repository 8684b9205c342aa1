/**
 * Who may import whom. A row is a folder (`git/`), or one module that stands for itself: an entry, a part of
 * the trunk, or a seam that other folders share. It names modules, or all of a folder with `*`; after `type`
 * only their types. What lies in the same folder needs no permission; Node's own modules neither.
 */
export const mayImport: Record<string, readonly string[]> = {
  'machines/': [],

  // What everything may lean on; itself it leans on nearly nothing.
  errors: [],
  version: [],
  'state-directory': ['errors'],
  config: ['errors', 'state-directory'],
  log: ['type config'],

  // Seams below their own folders: what threads, stores and backends share with the jobs.
  'job/record': ['type machines/job'],
  'job/layout': [],
  'pool/messages': ['type machines/job', 'type agents/agent', 'type errors', 'type job/record'],

  // Leaves: they know no job that runs, and no client.
  'git/': ['type machines/job', 'errors'],
  'agents/': ['type machines/job', 'type config', 'errors', 'type job/record'],
  'store/': ['type machines/job', 'errors', 'job/record'],

  // A thread, from its entry down.
  'pool/': ['machines/job', 'type config', 'type pool/messages', 'stages/*'],
  'stages/': [
    'type machines/job',
    'type config',
    'errors',
    'type agents/agent',
    'agents/backends',
    'git/*',
    'job/layout',
    'type pool/messages',
  ],

  // The jobs: they drive the machine, and reach threads, store and backends by their types alone.
  'job/': [
    'machines/job',
    'type config',
    'errors',
    'job/record',
    'job/layout',
    'type agents/agent',
    'type pool/pool',
    'type store/store',
  ],

  // The verbs: they send events and read snapshots through the supervisor's seam.
  'operations/': [
    'type machines/job',
    'type config',
    'errors',
    'type log',
    'type job/supervisor',
    'job/record',
    'job/layout',
    'type agents/agent',
    'type store/store',
    'git/repository',
  ],

  // Clients: protocol and text. They know verbs, never jobs, threads, stores or git.
  'ipc/': ['errors', 'version', 'type log', 'operations/invoke', 'type operations/operation'],
  'mcp/': [
    'errors',
    'version',
    'type log',
    'operations/invoke',
    'type operations/operation',
    'type job/supervisor',
    'type ipc/hello',
    'ipc/json-rpc',
    'type ipc/line-connection',
    'ipc/lines',
  ],
  'http/': [
    'errors',
    'type config',
    'type log',
    'mcp/era',
    'type mcp/serve-mcp',
    'type mcp/session-server',
    'type mcp/stateless-server',
  ],
  'bridge/': ['errors', 'type ipc/connect', 'ipc/hello', 'ipc/json-rpc', 'ipc/lines'],
  'cli/': [
    'errors',
    'version',
    'config',
    'state-directory',
    'operations/*',
    'ipc/client',
    'ipc/connect',
    'ipc/hello',
    'ipc/socket-path',
    'ipc/start-daemon',
    'http/tokens',
  ],
  'demo/': ['version', 'job/record', 'type operations/*'],

  // The trunk of the daemon: the one place where the parts are put together.
  house: [
    'type config',
    'errors',
    'type log',
    'version',
    'job/clock',
    'job/disk',
    'job/job-supervisor',
    'job/layout',
    'job/readiness',
    'type operations/operation',
    'pool/pool',
    'store/sqlite',
  ],
  'stop-control': ['errors', 'type ipc/serve-operations', 'type operations/operation'],

  // The entries.
  cli: [],
  bridge: [
    'type errors',
    'state-directory',
    'bridge/copy',
    'ipc/connect',
    'ipc/hello',
    'ipc/socket-path',
    'ipc/start-daemon',
  ],
  daemon: [
    'config',
    'type errors',
    'house',
    'stop-control',
    'log',
    'version',
    'job/layout',
    'ipc/daemon-lock',
    'ipc/listen',
    'ipc/serve-operations',
    'ipc/socket-path',
    'http/serve-http',
    'mcp/serve-mcp',
    'operations/index',
  ],
};

/** Which libraries a row may import: a library stays on its side of a seam. zod is everywhere's schema. */
export const mayUse: Record<string, readonly string[]> = {
  xstate: ['machines/', 'job/'],
  piscina: ['pool/'],
  'p-queue': ['job/'],
  tinyqueue: ['job/'],
  execa: ['git/'],
  '@photostructure/sqlite': ['store/', 'ipc/'],
  '@modelcontextprotocol/sdk': ['mcp/', 'http/', 'demo/'],
  '@modelcontextprotocol/server': ['mcp/'],
  'smol-toml': ['agents/'],
  pino: ['log'],
  'rotating-file-stream': ['log'],
  zod: [
    'config',
    'stop-control',
    'job/',
    'job/record',
    'operations/',
    'agents/',
    'store/',
    'mcp/',
    'cli/',
    'demo/',
  ],
};

/** Programs and thread entries are started, not imported: by whom, and as what. */
export const starts: Record<string, readonly string[]> = {
  bridge: ['cli', 'cli/programs'],
  daemon: ['cli/programs', 'ipc/start-daemon'],
  'cli/main': ['cli'],
  'cli/commands': ['cli/main'],
  'bench/main': ['cli/bench'],
  'demo/demo': ['cli/programs'],
  cli: ['demo/demo-client'],
  // Its library takes a while to load, and most clients do not need it.
  'mcp/stateless-server': ['mcp/serve-mcp'],
  'pool/thread': ['pool/pool'],
  'store/sqlite-thread': ['store/sqlite'],
};
