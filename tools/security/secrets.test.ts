import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { lintSource } from '@secretlint/core';
import { creator as recommended } from '@secretlint/secretlint-rule-preset-recommend';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** Folders that are not ours: git's own, and those that commands make and git ignores. */
const NOT_OURS = new Set(['.git', ...readFileSync(join(ROOT, '.gitignore'), 'utf8').match(/^[\w.]+(?=\/$)/gm)!]);

/** Secrets that secretlint does not know, or takes for an example: those of the three services that the worker calls. */
const OURS: Readonly<Record<string, RegExp>> = {
  'a token of a Telegram bot': /\b\d{8,10}:[A-Za-z0-9_-]{35}\b/g,
  'a token of Crypto Pay': /\b\d{3,10}:AA[A-Za-z0-9]{30,}\b/g,
  'a private key': /-----BEGIN (?:\w+ )*PRIVATE KEY-----\n[\w+/=]+/g,
  'a JSON Web Token, as the panel gives for its API': /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/g,
};

/** Made-up secrets of tests and examples, which are worthless: the file and the finding of each. */
const MADE_UP: ReadonlySet<string> = new Set([
  `src/observability/log.test.ts: postgresql://u:${'s3cr3t%2Fpass'}@db`,
  `src/app/command-line.db.test.ts: postgresql://u:${'hidden-word'}@127.0.0.1:9/x'`,
  `src/app/command-line.db.test.ts: postgresql://worker:${'hun#ter2'}@db:5432/cybervpn',`,
  `deploy/kubernetes/secret.example.yaml: postgresql://worker:${'change-me'}@postgres:5432/cybervpn`,
]);

/** `file: finding`, for each text in it that looks like a secret. */
async function secretsIn(file: string, content: string): Promise<string[]> {
  const { messages } = await lintSource({
    source: { filePath: file, content, contentType: 'text', ext: '' },
    options: { config: { rules: [{ id: 'recommended', rule: recommended }] }, noPhysicFilePath: true },
  });
  const known = messages.map(({ data, message }) => Object.values((data ?? { message }) as object).map(String)[0]!);
  const own = Object.values(OURS).flatMap((pattern) => content.match(pattern) ?? []);
  return [...known, ...own].map((found) => `${file}: ${found}`);
}

function* texts(folder: string): Generator<{ file: string; content: string }> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (NOT_OURS.has(entry.name)) continue;
    if (entry.isDirectory()) yield* texts(path);
    else if (entry.isFile()) {
      const content = readFileSync(path, 'utf8');
      if (!content.includes('\0')) yield { file: relative(ROOT, path), content };
    }
  }
}

test('no file of the checkout holds a secret', async () => {
  const found: string[] = [];
  let files = 0;
  for (const { file, content } of texts(ROOT)) {
    files += 1;
    found.push(...(await secretsIn(file, content)));
  }
  expect(files).toBeGreaterThan(500);
  expect(found.filter((one) => !MADE_UP.has(one))).toEqual([]);
}, 60_000);

/** The texts are put together here, or this file would not pass its own test. */
const PLANTED: readonly (readonly [what: string, text: string])[] = [
  ['a bot token', `${'1'.repeat(10)}:${'Aa_-0'.repeat(7)}`],
  ['a Crypto Pay token', `12345:${'AA'}${'b'.repeat(32)}`],
  ["a token of the panel's API", [`eyJ${'a'.repeat(20)}`, `eyJ${'b'.repeat(20)}`, 'c'.repeat(20)].join('.')],
  [
    'a private key',
    ['-----BEGIN RSA', 'PRIVATE KEY-----\nMIIEpQIBAAKCAQEA\n-----END RSA', 'PRIVATE KEY-----'].join(' '),
  ],
  ['a password in a database URL', `postgresql://worker:${'longpassword'}@db.internal/cybervpn`],
  ['a token of GitHub', `ghp_${'wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx'}`],
];

test.each(PLANTED)('%s is found', async (_, text) => {
  expect(await secretsIn('planted.env', `TOKEN=${text}\n`)).not.toEqual([]);
});
