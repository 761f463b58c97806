import type { z } from 'zod';
import { secretPartsOf } from '../../src/lib/env-values.ts';

/** Variables with such a word in their name hold a secret, or an address that may carry one. */
const SECRET_WORDS =
  /(^|_)(\w*TOKENS?|SECRETS?|PASS(WORD|WD|PHRASE)?|PWD|\w*KEYS?|DSN|AUTH|CREDENTIALS?|HEADERS|COOKIE|URLS?|URI|ENDPOINT)(_|$)/;

/** Named like secrets, and open nothing. */
const PUBLIC: Readonly<Record<string, string>> = {
  S3_ACCESS_KEY_ID: 'the name of a key, which every signed link shows; S3_SECRET_ACCESS_KEY is the secret',
};

/** Names of fields that sound secret and of which no part is marked so, though they are not known to be public. */
export function unmarkedSecrets(shape: Readonly<Record<string, z.ZodType>>): string[] {
  return Object.entries(shape)
    .filter(([name, field]) => SECRET_WORDS.test(name) && !secretPartsOf(field) && !(name in PUBLIC))
    .map(([name]) => name);
}

/** Names on the list of public ones that no variable has, or whose variable is marked all the same. */
export function idlePublicNames(shape: Readonly<Record<string, z.ZodType>>): string[] {
  return Object.keys(PUBLIC).filter((name) => !shape[name] || secretPartsOf(shape[name]) !== undefined);
}
