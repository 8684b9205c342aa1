import type { IncomingMessage } from 'node:http';
import { notAcceptedType, notJson, type Refusal, tooLarge } from './answers.js';

/** The JSON of a request's body, read up to `maximumBytes`; rejects when the client goes away meanwhile. */
export async function readJson(
  request: IncomingMessage,
  maximumBytes: number,
): Promise<{ value: unknown } | { refusal: Refusal }> {
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '')) {
    return { refusal: notAcceptedType };
  }
  if (Number(request.headers['content-length'] ?? 0) > maximumBytes) return { refusal: tooLarge };
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += chunk.length;
    if (length > maximumBytes) return { refusal: tooLarge };
    chunks.push(chunk);
  }
  try {
    return { value: JSON.parse(Buffer.concat(chunks).toString('utf8')) };
  } catch {
    return { refusal: notJson };
  }
}
