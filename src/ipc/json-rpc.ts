/** The few words of JSON-RPC 2.0 that are needed below the MCP SDK. */
export type RequestId = string | number;

export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
/** First of the codes that JSON-RPC leaves to servers. */
export const SERVER_ERROR = -32000;

/** An error response as a line. The id is null when the request's could not be read. */
export const errorResponse = (id: RequestId | null, code: number, message: string, data?: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data } });

/** The line's JSON object, or null if it holds anything else. */
export function parseObject(bytes: Buffer): Record<string, unknown> | null {
  const value = parse(bytes);
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

/** Whether the line is JSON of any kind. */
export const isJson = (bytes: Buffer): boolean => parse(bytes) !== undefined;

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

export const isRequestId = (id: unknown): id is RequestId =>
  typeof id === 'string' || Number.isSafeInteger(id);

const ID = String.raw`"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)`;
const ID_FIRST = new RegExp(String.raw`^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?${ID}\s*,`);
const ID_LAST = new RegExp(String.raw`${ID}\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$`);

/** Id of a message of which only the two ends were kept: as a first or last member it is the message's own. */
export function idOfOversized({ head, tail }: { head: Buffer; tail: Buffer }): RequestId | null {
  const found = ID_FIRST.exec(head.toString('latin1'))?.[1] ?? ID_LAST.exec(tail.toString('latin1'))?.[1];
  return found === undefined ? null : (JSON.parse(found) as RequestId);
}
