import { isUtf8 } from 'node:buffer';
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
  const bytes = await readAll(request, maximumBytes);
  if (bytes === null) return { refusal: tooLarge };
  if (!isUtf8(bytes)) return { refusal: notJson };
  try {
    return { value: JSON.parse(bytes.toString('utf8')) };
  } catch {
    return { refusal: notJson };
  }
}

/** Null once it is more than `maximumBytes`; what comes then is thrown away. By events, which cost less than an iterator. */
function readAll(request: IncomingMessage, maximumBytes: number): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request
      .on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length <= maximumBytes) chunks.push(chunk);
        else resolve(null);
      })
      .once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
      .once('error', reject);
  });
}
