/** Terminal escape sequences, such as colours and window titles. */
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;
/** Control characters except line breaks and tabs, the marks that turn or hide text, and halves of characters. */
const CONTROLS =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
/** What looks like a credential: OpenAI keys, bearer tokens, passwords in a URL. */
const CREDENTIALS = /\bsk-[\w*-]{6,}|\b(?<=bearer )[\w.~+/=-]{8,}|(?<=:\/\/)[^\s/@]+:[^\s/@]+(?=@)/gi;

/** Text of an agent without control characters, at most `limit` characters. Of a long text, only the start is read. */
export function plainText(text: string, limit: number): string {
  return shorten(startOf(text, limit).replace(CONTROLS, ''), limit);
}

/** The same on one line. */
export function plainLine(text: string, limit: number): string {
  return shorten(startOf(text, limit).replace(/\s+/g, ' ').replace(CONTROLS, '').trim(), limit);
}

const startOf = (text: string, limit: number) => text.slice(0, 8 * limit).replace(ESCAPES, '');

/** A cause as people may read it: one line, at most 500 characters, without credentials. */
export const plainCause = (text: string): string =>
  plainLine(text.slice(0, 4_000).replace(CREDENTIALS, '[hidden]'), 500);

function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const cut = text.slice(0, limit - 1);
  // Half of a surrogate pair would be no character at all.
  return `${cut.replace(/[\ud800-\udbff]$/, '')}…`;
}
