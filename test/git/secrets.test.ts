import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isSecretFile, maskerOf } from '../../src/git/secrets.js';

const maskSecrets = (line: string): string => maskerOf(line)(line);

/** Put together here, so that no scanner takes this file for a leak. */
const filler = 'aB3dE6gH9jK2mN5pQ8sT1vW4xY7zA0cD3fG6hJ9kL2nP5rS8';
const hex = '0f1e2d3c4b5a69788796a5b4c3d2e1f0'.repeat(2);
const secrets: Record<string, string> = {
  'an AWS access key id': `AKIA${'IOSFODNN7QRTZXWV'}`,
  "the AWS access key id of Amazon's documents": `AKIA${'IOSFODNN7EXAMPLE'}`,
  'a GitHub token': `ghp_${filler.slice(0, 36)}`,
  'a GitHub token that somebody made up': `ghp_${'Example'}${filler.slice(0, 29)}`,
  'a fine-grained GitHub token': `github_pat_${filler}${filler}`.slice(0, 93),
  'a GitLab token': `glpat-${filler.slice(0, 20)}`,
  'a Slack token': `xoxb-${'123456789012'}-${filler.slice(0, 24)}`,
  'a Slack token of an app': `xapp-1-${'A0123456789'}-1234567890123-${hex}`,
  'a SendGrid key': `SG.${filler.slice(0, 22)}.${filler.slice(0, 43)}`,
  'a Hugging Face token': `hf_${filler.slice(0, 34)}`,
  'a DigitalOcean token': `dop_v1_${hex}`,
  'a Databricks token': `dapi${hex.slice(0, 32)}-2`,
  'a token for Docker Hub': `dckr_pat_${filler.slice(0, 27)}`,
  'a Grafana token': `glsa_${filler.slice(0, 32)}_${hex.slice(0, 8)}`,
  'a Vault token': `hvs.${filler}${filler}`,
  'a Shopify token': `shpat_${hex.slice(0, 32)}`,
  'a Postman key': `PMAK-${hex.slice(0, 24)}-${hex.slice(0, 34)}`,
  'a key of a Telegram bot': `${'123456789'}:AA${filler.slice(0, 33)}`,
  'a Groq key': `gsk_${filler}${filler}`.slice(0, 56),
  'a Stripe key': `sk_live_${filler.slice(0, 24)}`,
  'a Google API key': `AIza${filler.slice(0, 35)}`,
  'an npm token': `npm_${filler.slice(0, 36)}`,
  'a PyPI token': `pypi-AgE${filler}${filler.slice(0, 20)}`,
  'an OpenAI key': `sk-proj-${filler}`,
  'an Anthropic key': `sk-ant-api03-${filler}`,
  'a JSON web token': `eyJ${filler.slice(0, 20)}.eyJ${filler.slice(0, 30)}.${filler.slice(0, 43)}`,
};

for (const [title, secret] of Object.entries(secrets)) {
  test(`${title} is masked, and what is around it stays`, () => {
    assert.equal(maskSecrets(`const x = "${secret}"; // keep`), 'const x = "[redacted]"; // keep');
  });
}

test('secrets are masked where a label, a header or a connection string tells of them', () => {
  const lines: [string, string][] = [
    [`  "client_secret": "${filler.slice(0, 32)}",`, '  "client_secret": "[redacted]",'],
    [`AWS_SECRET_ACCESS_KEY=${filler.slice(0, 40)}`, 'AWS_SECRET_ACCESS_KEY=[redacted]'],
    [`Authorization: Bearer ${filler}`, 'Authorization: Bearer [redacted]'],
    [
      `aws_secret_access_key = ${'wJalrXUtnFEMI/K7MDENG'}/bPxRfiCYEXAMPLEKEY`,
      'aws_secret_access_key = [redacted]',
    ],
    ['postgres://app:h4rd2guess@db.internal/app', 'postgres://app:[redacted]@db.internal/app'],
    ['postgres://admin:admin@db', 'postgres://admin:[redacted]@db'],
    ['postgres://postgres:postgres@h', 'postgres://postgres:[redacted]@h'],
    ['redis://:S3cr3tP4ss@h:6379/0', 'redis://:[redacted]@h:6379/0'],
    [`//registry.example.org/:_authToken=${filler}`, '//registry.example.org/:_authToken=[redacted]'],
  ];
  for (const [line, masked] of lines) assert.equal(maskSecrets(line), masked);
});

test('ordinary code is left as it is', () => {
  const lines = [
    'const token = await readTokenFromEnvironment(process.env);',
    'const apiKey = process.env.SERVICE_API_KEY_FOR_PRODUCTION;',
    'password: config.get("database.password.of.the.replica"),',
    'postgres://user:password@localhost/test',
    ['postgres://user:', '{PASSWORD}@localhost/test'].join('$'),
    'https://example.org:8080/path/a@b',
    '<div class="sk-circle-fade-dot sk-folding-cube-animation-2">',
    'integrity="sha512-oaMBel6gjolK862uaPQOVTA7q3TZhuSvuMQAAglQDOWYO9A91IrAOUJEyKVlqJlHE0vq5p5UXxzdPfMH/myQxA=="',
    'primaryKey = "customer_identification_number_2"',
    'export const secretNames = [isSecretFileByItsNameAlone, somethingElseEntirely];',
    '"key": "settings.notifications.email.enabled",',
    'tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased-finetuned-2")',
    'index 3c0a9f2b1d4e5f60718293a4b5c6d7e8f9012345..3c0a9f2b1d4e5f60718293a4b5c6d7e8f9012346',
    'author = "Basic understanding of authorization"',
    'secret = your_secret_goes_here_1234567890abcDEF',
    'api_key = "an-example-key-a1B2c3D4e5F6g7H8"',
    'SLACK_BOT_TOKEN=xoxb-your-bot-token-goes-here',
    'redis://:password@localhost:6379',
    'http://localhost:8080/@scope/name and std::vector<int>:: more @here',
    'const hf_transformers_are_loaded_from_the_hub_first = SG.instances.find(isReady);',
    'dapiDataGetTopLongShortPositionRatio(params), pul-request, glc_context_of_the_window, pat.name',
  ];
  for (const line of lines) assert.equal(maskSecrets(line), line);
});

test('no line of this program is taken for a secret', () => {
  const flagged: string[] = [];
  for (const directory of ['src', 'machines', 'docs']) {
    for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
      if (!/\.(ts|md)$/.test(name)) continue;
      for (const line of readFileSync(join(directory, name), 'latin1').split('\n')) {
        if (maskSecrets(line) !== line) flagged.push(`${name}: ${line}`);
      }
    }
  }
  assert.deepEqual(flagged, []);
});

test('a long line is looked through with little processor time', () => {
  const before = process.cpuUsage();
  for (const piece of ['a', 'key', 'eyJ', 'eyJ-', 'a-', 'a://', 'token = ', ':/@', 'sk-']) {
    maskSecrets(piece.repeat(200_000 / piece.length));
  }
  // What looks random nearly to its end.
  const nearly = ['1', 'z', '1', 'z'].map((character) => character.repeat(100)).join('');
  assert.equal(maskSecrets(`bearer ${nearly}`), `bearer ${nearly}`);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 5_000_000, `${user + system} µs`);
});

test('files of secrets are known by their names', () => {
  for (const path of [
    '.env',
    'deep/.env.production',
    'tls/server.pem',
    'id_ed25519',
    'a/.netrc',
    '.aws/credentials',
  ])
    assert.ok(isSecretFile(path), path);
  for (const path of [
    '.env.example',
    'src/env.ts',
    'id_rsa.pub',
    'keys.ts',
    'environment',
    'docs/pem.md',
    '.npmrc',
  ])
    assert.ok(!isSecretFile(path), path);
});
