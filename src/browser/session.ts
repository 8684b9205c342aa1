const KEY = 'offshoot-token';

/**
 * The token that `offshoot ui` put behind the `#`, where a browser sends it nowhere. It is kept for this tab and
 * taken out of the address, so that it stands in no history and on no screenshot.
 */
export function takeToken(): string | null {
  const given = /^#token=([\w-]+)/.exec(location.hash)?.[1];
  if (given !== undefined) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(KEY);
}

/** The daemon does not take the token. */
export class NoToken extends Error {}

/** A request with the token. Throws `NoToken` when it is refused, and what `fetch` throws when nobody is there. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...init.headers, authorization: `Bearer ${takeToken() ?? ''}` };
  const response = await fetch(path, { ...init, headers });
  if (response.status === 401) throw new NoToken();
  return response;
}

/** Calls an operation; its answer, or its error as an exception with the words for people. */
export async function call<T>(tool: string, input: object): Promise<T> {
  const response = await ask(`/api/call/${tool}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
  const answer = await response.json();
  if (answer.ok === false) throw new Error(`${answer.error.message} ${answer.error.repair.advice}`);
  return answer;
}

/** Reads an answer of one JSON document a line, for as long as it lasts. */
export async function readLines(response: Response, take: (line: unknown) => void): Promise<void> {
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(JSON.parse(line));
  }
}
