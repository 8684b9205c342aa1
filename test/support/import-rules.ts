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
  'job-marker': [],

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
    'job-marker',
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
    'job/continuation',
    'type agents/agent',
    'type store/store',
    'git/repository',
  ],

  // Those who look on: they read what the supervisor tells, and what a job has written; they change nothing.
  'inspect/': [
    'machines/job',
    'type config',
    'type agents/log-entry',
    'agents/read-log-entry',
    'job/record',
    'job/layout',
    'type job/clock',
    'type job/supervisor',
    'stages/tail',
  ],
  'metrics/': ['type config', 'job/record', 'type job/supervisor', 'type pool/pool', 'type store/store'],

  // What `offshoot doctor` looks at: the same things that a daemon needs, without one.
  'doctor/': [
    'config',
    'errors',
    'state-directory',
    'agents/backends',
    'job/disk',
    'job/layout',
    'stages/containment',
    'store/sqlite-file',
  ],

  // Clients: protocol and text. They know verbs, never jobs, threads, stores or git.
  'ipc/': ['errors', 'version', 'job-marker', 'type log', 'operations/invoke', 'type operations/operation'],
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
    'config',
    'type log',
    'mcp/era',
    'type mcp/serve-mcp',
    'type mcp/session-server',
    'type mcp/stateless-server',
  ],
  'page/': [
    'errors',
    'type log',
    'http/body',
    'http/guard',
    'http/guard',
    'type http/site',
    'type inspect/inspection',
    'inspect/job-log',
    'inspect/processes',
    'inspect/stately-socket',
    'job/record',
    'job/layout',
    'operations/invoke',
    'type operations/operation',
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
    'type agents/log-entry',
    'doctor/doctor',
    'type doctor/finding',
    'type inspect/frames',
    'job/record',
  ],
  'demo/': ['version', 'job/record', 'type operations/*'],

  // The trunk of the daemon: the one place where the parts are put together.
  house: [
    'type config',
    'errors',
    'type log',
    'version',
    'inspect/inspection',
    'job/announcements',
    'job/artifacts',
    'job/clock',
    'job/disk',
    'job/job-supervisor',
    'job/layout',
    'job/readiness',
    'job/shared-look',
    'metrics/measured',
    'metrics/metrics',
    'metrics/spans',
    'type operations/operation',
    'pool/pool',
    'store/sqlite',
    'store/sqlite-file',
  ],
  web: [
    'type config',
    'errors',
    'type log',
    'http/serve-http',
    'http/tokens',
    'type mcp/serve-mcp',
    'type operations/operation',
    'type page/site',
  ],
  upgrade: ['errors', 'type ipc/hello', 'type job/supervisor'],
  'stop-control': ['errors', 'type ipc/serve-operations', 'type operations/operation'],
  'look-controls': [
    'errors',
    'type inspect/inspection',
    'inspect/job-log',
    'type ipc/serve-operations',
    'type operations/operation',
    'type web',
  ],

  // The entries.
  orchestrator: [
    'config',
    'errors',
    'house',
    'ipc/daemon-lock',
    'job/layout',
    'log',
    'operations/index',
    'operations/invoke',
    'operations/job-state',
    'type operations/operation',
    'state-directory',
  ],
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
    'errors',
    'house',
    'look-controls',
    'stop-control',
    'upgrade',
    'web',
    'log',
    'state-directory',
    'version',
    'job/layout',
    'ipc/daemon-lock',
    'ipc/listen',
    'ipc/serve-operations',
    'ipc/socket-path',
    'mcp/serve-mcp',
    'operations/index',
  ],
};

/** What the browser's side of the page, in `browser/`, takes from the daemon's: it shares types with the daemon, no code. */
export const browserMayImport: readonly string[] = ['type agents/log-entry', 'type inspect/frames'];

/** Which libraries a row may import: a library stays on its side of a seam. zod is everywhere's schema. */
export const mayUse: Record<string, readonly string[]> = {
  xstate: ['machines/', 'job/'],
  piscina: ['pool/'],
  'p-queue': ['job/'],
  tinyqueue: ['job/'],
  execa: ['git/', 'stages/'],
  '@photostructure/sqlite': ['store/', 'ipc/'],
  '@modelcontextprotocol/sdk': ['mcp/', 'http/', 'demo/'],
  '@modelcontextprotocol/server': ['mcp/'],
  'smol-toml': ['agents/'],
  ws: ['inspect/'],
  'prom-client': ['metrics/'],
  '@opentelemetry/api': ['metrics/'],
  pino: ['log'],
  'rotating-file-stream': ['log'],
  zod: [
    'config',
    'orchestrator',
    'stop-control',
    'look-controls',
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
  // Most daemons are never looked at, and one command alone needs XState.
  'page/site': ['web'],
  'inspect/definition': ['cli/machine'],
  'pool/thread': ['pool/pool'],
  'store/sqlite-thread': ['store/sqlite'],
};
