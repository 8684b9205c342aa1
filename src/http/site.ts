import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** What the server serves beside MCP. Where a request comes from was checked before it gets here. */
export interface Site {
  /** Whether a path holds nothing private: it is served without a token. */
  isPublic(path: string): boolean;
  /** Answers a request; false if there is nothing at the path. A path that is not public had a good token. */
  serve(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean>;
  /** Takes a connection over as a WebSocket; its token was good. False if there is none at the path. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, path: string): boolean;
  /** Ends what is open. */
  close(): void;
}
