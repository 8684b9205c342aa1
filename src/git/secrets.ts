/**
 * What looks like a secret in a line of text, or by the name of a file. Patterns are narrow: each names a form
 * that an issuer documents, or a label beside a value that looks random. Lines are bytes in latin1.
 */

const MASK = '[redacted]';

/** The secret is the group if there is one, else the whole match. Repetitions are bounded: lines may be long. */
interface SecretPattern {
  pattern: RegExp;
  /** The value must look random as well, for the form alone is common in code. */
  random?: boolean;
  /** The form leaves no doubt: what somebody made up for a test is masked, too. */
  exact?: boolean;
}

/** What begins with an issuer's prefix and has the length that the issuer gives it. */
const issued = [
  // Mail: SendGrid, Brevo.
  'SG\\.[\\w-]{22}\\.[\\w-]{43}',
  'xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16}',
  // Models: Hugging Face, Groq, Perplexity, Replicate, xAI.
  'hf_[A-Za-z0-9]{34}',
  'gsk_[A-Za-z0-9]{52}',
  'pplx-[A-Za-z0-9]{48}',
  'r8_[A-Za-z0-9]{37}',
  'xai-[A-Za-z0-9]{80}',
  // Clouds and data: DigitalOcean, Databricks, Heroku, PlanetScale, Supabase, Airtable, Pulumi, Alibaba.
  'do[opr]_v1_[0-9a-f]{64}',
  'dapi[0-9a-f]{32}(?:-\\d)?',
  'HRKU-AA[\\w-]{58}',
  'pscale_(?:tkn|pw|oauth)_[\\w=.-]{32,64}',
  'sbp_[0-9a-f]{40}',
  'pat[A-Za-z0-9]{14}\\.[0-9a-f]{64}',
  'pul-[0-9a-f]{40}',
  'LTAI[A-Za-z0-9]{20}',
  // Packages and images: Docker Hub, RubyGems, NuGet.
  'dckr_[op]at_[\\w-]{27,32}',
  'rubygems_[0-9a-f]{48}',
  'oy2[a-z0-9]{43}',
  // Secrets themselves: Vault, Doppler, age.
  'hvs\\.[\\w-]{90,120}',
  'hvb\\.[\\w-]{138,300}',
  'dp\\.(?:pt|st|ct|sa|scim|audit)\\.[A-Za-z0-9]{40,44}',
  'AGE-SECRET-KEY-1[A-Z0-9]{58}',
  // What is watched: Grafana, New Relic, Sentry, Dynatrace.
  'glsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}',
  'glc_[A-Za-z0-9+/]{32,400}={0,2}',
  'NRAK-[A-Z0-9]{27}',
  'sntryu_[0-9a-f]{64}',
  'dt0c01\\.[A-Z0-9]{24}\\.[A-Z0-9]{64}',
  // Work and trade: Atlassian, Linear, Notion, Figma, Postman, Telegram's bots, Shopify, Square.
  'ATATT3[\\w=-]{186}',
  'lin_api_[A-Za-z0-9]{40}',
  'ntn_[0-9]{11}[A-Za-z0-9]{35}',
  'figd_[\\w-]{40}',
  'PMAK-[0-9a-f]{24}-[0-9a-f]{34}',
  '[0-9]{8,10}:AA[\\w-]{33}',
  'shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}',
  'sq0(?:atp-[\\w-]{22}|csp-[\\w-]{43})',
];

const patterns: readonly SecretPattern[] = [
  { pattern: new RegExp(`\\b(?:${issued.join('|')})(?![\\w-])`, 'g'), exact: true },
  // AWS access key ids.
  { pattern: /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b/g, exact: true },
  // GitHub and GitLab tokens.
  { pattern: /\bgh[pousr]_[A-Za-z0-9]{36,255}\b/g, exact: true },
  { pattern: /\bgithub_pat_[A-Za-z0-9_]{40,255}\b/g, exact: true },
  { pattern: /\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt)-[A-Za-z0-9_-]{20,255}/g },
  // Slack tokens and webhooks.
  { pattern: /\bxapp-[0-9]-[A-Z0-9]{8,20}-[0-9]{8,20}-[A-Za-z0-9]{32,255}\b/g, exact: true },
  { pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,255}/g },
  { pattern: /\bhooks\.slack\.com\/services\/(T[A-Z0-9]{6,20}\/B[A-Z0-9]{6,20}\/[A-Za-z0-9]{16,40})/g },
  // Stripe.
  { pattern: /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,255}\b/g, exact: true },
  { pattern: /\bwhsec_[A-Za-z0-9+/=]{24,255}/g, exact: true },
  // Google: API keys, OAuth.
  { pattern: /\bAIza[0-9A-Za-z_-]{35}/g, exact: true },
  { pattern: /\bya29\.[0-9A-Za-z_-]{20,2000}/g },
  { pattern: /\bGOCSPX-[0-9A-Za-z_-]{28}/g, exact: true },
  // Package registries.
  { pattern: /\bnpm_[A-Za-z0-9]{36}\b/g, exact: true },
  { pattern: /_(?:authToken|auth|password)\s{0,4}=\s{0,4}["']?([A-Za-z0-9+/=_-]{12,2000})/g },
  { pattern: /\bpypi-AgE[A-Za-z0-9_-]{50,2000}/g, exact: true },
  // Model providers.
  { pattern: /\bsk-ant-[A-Za-z0-9_-]{20,255}/g },
  { pattern: /\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,255}/g, random: true },
  // JSON web tokens. Where a text is made of their beginnings, only the first is looked at.
  { pattern: /(?<![\w-])eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{10,4000}/g },
  // Authorization headers.
  { pattern: /\b(?:bearer|basic)\s{1,4}([A-Za-z0-9._~+/-]{16,4000}={0,2})/gi, random: true },
  // Passwords in connection strings.
  { pattern: /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@'"`<>{}$]{0,100}:([^\s@'"`<>{}$/]{3,200})@/gi },
  // A label that promises a secret, beside a value that looks like one.
  {
    pattern:
      /(?:api|access|auth|client|private|secret|signing|encryption|account|service|master)?[_-]?(?:key|secret|token|passw(?:or)?d|pwd|credential)s?["'`]?\s{0,8}(?::|=|=>|:=)\s{0,8}["'`]?([A-Za-z0-9+/_=.~-]{20,500})/gi,
    random: true,
  },
];

/** Words with which examples stand for a secret. Inside of what looks random, "example" is none. */
const placeholder =
  /^(?:pass(?:word)?|secret|token|changeme|example|x{3,}|\*{3,}|\.{3}|%s)$|(?<![a-z0-9])example|placeholder|your[_-]/i;

/**
 * Masks every secret in a line of a text; the same string comes back when there is none. What the whole text
 * does not hold need not be looked for in each of its lines.
 */
export function maskerOf(text: string): (line: string) => string {
  const present = patterns.filter(({ pattern }) => text.search(pattern) >= 0);
  return (line) => (present.length === 0 ? line : maskWith(present, line));
}

function maskWith(sought: readonly SecretPattern[], line: string): string {
  return sought.reduce(
    (text, { pattern, random, exact }) =>
      text.replace(pattern, (whole: string, ...rest: unknown[]) => {
        const secret = typeof rest[0] === 'string' ? rest[0] : whole;
        if ((!exact && placeholder.test(secret)) || (random && !looksRandom(secret))) return whole;
        // It is what comes last: a user may have the same name.
        const at = whole.lastIndexOf(secret);
        return whole.slice(0, at) + MASK + whole.slice(at + secret.length);
      }),
    line,
  );
}

const MIN_ENTROPY_BITS = 3.5;

/** A letter between digits, twice. Each part ends where the next begins, so that there is one way only to look. */
const MIXED = /^[^0-9]*[0-9][^a-z]*[a-z][^0-9]*[0-9][^a-z]*[a-z][^0-9]*[0-9]/i;

/** Digits among letters, and hardly a character twice as often as others: no word, path or name does that. */
function looksRandom(value: string): boolean {
  const body = value.replace(/^sk-(?:proj-|svcacct-|admin-)?/, '');
  if (!/[0-9]/.test(body) || !/[A-Za-z]/.test(body)) return false;
  // Names of things: parts that are words, with numbers at their ends at most.
  if (body.split(/[-_./]/).every((part) => /^(?:[A-Za-z]{0,20}[0-9]{0,4}|[0-9]+)$/.test(part))) return false;
  const hasBothCases = /[a-z]/.test(body) && /[A-Z]/.test(body);
  const isHex = /^[0-9a-fA-F]{32,}$/.test(body);
  return (hasBothCases || isHex || MIXED.test(body)) && entropyBits(body) >= (isHex ? 3 : MIN_ENTROPY_BITS);
}

function entropyBits(value: string): number {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => {
    const part = count / value.length;
    return bits - part * Math.log2(part);
  }, 0);
}

export const beginsPrivateKey = (line: string): boolean =>
  /-----BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----/.test(line);

export const endsPrivateKey = (line: string): boolean =>
  /-----END (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)?-----/.test(line);

const secretNames = [
  /^\.env(?:\.(?!(?:example|sample|template|dist|defaults)$).+)?$/,
  /\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk)$/,
  /^id_(?:rsa|dsa|ecdsa|ed25519)$/,
  /^(?:\.netrc|_netrc|\.pgpass|\.git-credentials|\.htpasswd|\.pypirc)$/,
  /^service[-_]account.*\.json$/,
];
const secretPaths = [
  /(?:^|\/)\.aws\/credentials$/,
  /(?:^|\/)\.docker\/config\.json$/,
  /(?:^|\/)\.kube\/config$/,
];

/** Whether a file holds secrets by its name alone. */
export function isSecretFile(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  return (
    secretNames.some((pattern) => pattern.test(name)) || secretPaths.some((pattern) => pattern.test(path))
  );
}
