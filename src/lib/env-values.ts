import { accessSync, constants } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import { API_ROLES, type ApiRole } from './api-role.ts';
import { mailbox } from './email-address.ts';
import { errorMessage } from './errors.ts';
import { nearest } from './nearest.ts';
import { type OnCallTurn, readOnCall } from './on-call.ts';
import { type Proxies, proxiesIn } from './proxies.ts';
import { readQuietHours } from './quiet-hours.ts';
import { isTelegramAddress } from './telegram-html-problem.ts';
import { loginProblem } from './url-login.ts';
import { passwordsIn } from './url-secrets.ts';
import { withoutSlashes } from './without-slashes.ts';

/**
 * Kinds of variables: how text becomes a value. An error never includes the value, which may be a secret. The mark of a kind says which
 * parts are secret, so that no field of that kind can forget it.
 */

/** Lists every secret part of a field's value, in each form in which it may be printed. */
type SecretParts<Value> = (value: Value) => readonly string[];

const secretMarks = z.registry<{ partsOf: SecretParts<z.$output> }>();

/** Marks `field`: `partsOf` lists the parts of its value that must never be printed. A `transform` after the mark loses it. */
function marked<Field extends z.ZodType>(field: Field, partsOf: SecretParts<z.output<Field>>): Field {
  secretMarks.add(field, { partsOf } as unknown as z.core.$replace<{ partsOf: SecretParts<z.$output> }, Field>);
  return field;
}

/** The function that lists the secret parts of a field's value; undefined where the field has no mark. */
export function secretPartsOf(field: z.core.$ZodType): SecretParts<unknown> | undefined {
  if (field instanceof z.ZodOptional || field instanceof z.ZodDefault) return secretPartsOf(field.unwrap());
  return secretMarks.get(field)?.partsOf;
}

export const text = z.string().trim();

/** A text that is secret as a whole. */
export const secretText = marked(z.string().trim(), (value) => [value]);

export const botToken = marked(
  z
    .string()
    .trim()
    .regex(/^\d+:[\w-]{8,}$/, { error: 'must look like 123456:ABC-DEF' }),
  (value) => [value],
);

/** An address of this machine, without a port. */
export const listenAddress = text.refine((value) => isIP(value) !== 0, {
  error: 'must be an IPv4 or IPv6 address without brackets, such as 127.0.0.1 or ::',
});

export const countBetween = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
export const url = (protocols: readonly string[]) =>
  marked(
    text
      .check(({ value, issues }) => {
        const message = isHttp(protocols) ? undefined : loginProblem(value);
        if (message) issues.push({ code: 'custom', input: '', message, continue: false });
      })
      .refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol.slice(0, -1)), {
        error: `must be a URL starting with ${protocols.map((name) => `${name}://`).join(' or ')}`,
        abort: true,
      })
      .refine(hasReadableLogin, { error: 'has a % in its user or password that stands for itself; write it as %25' }),
    (value) => passwordsIn(value),
  );

/** An `@` in the path of a web address is none of a login. */
const isHttp = (protocols: readonly string[]): boolean => protocols.includes('https');

function hasReadableLogin(value: string): boolean {
  const { password, username } = new URL(value);
  try {
    return decodeURIComponent(username + password) !== undefined;
  } catch {
    return false;
  }
}

/** Any URL may hold a user and a password, and `fetch` prints the whole address when it refuses those. */
export const httpUrl = marked(url(['http', 'https']).transform(withoutSlashes), (value) =>
  passwordsIn(value, { userIsKey: true }),
);

/** A web address that is a secret as a whole: everybody who knows it may write there. */
export const secretUrl = marked(url(['http', 'https']), (value) => [value]);
/** An address that Telegram opens from a message and from a button: it refuses a message with another one under it. */
export const customerLink = marked(
  text.refine(isTelegramAddress, {
    error: 'must be an address that Telegram opens, such as https://t.me/your_support',
  }),
  (value) => passwordsIn(value),
);

/** A URL that `read` accepts and whose files can be read. The value is the result of `read`. */
export const connectionUrl = (
  read: (value: string) => string,
  filesOf: (value: string) => string[],
  secretsOf: SecretParts<string>,
) =>
  marked(
    text.transform((value, context) => {
      try {
        const url = read(value);
        for (const path of filesOf(url)) assertReadable(path);
        return url;
      } catch (error) {
        context.addIssue({ code: 'custom', message: errorMessage(error) });
        return z.NEVER;
      }
    }),
    secretsOf,
  );

function assertReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (cause) {
    throw new Error(`names the file ${path}, which cannot be read here`, { cause });
  }
}

export const flag = z.stringbool();
export const list = text.transform((value) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);

/** `20 %`, `20%` or `0.2`, as a share between 0 and 1. */
export const share = text
  .refine((value) => /^\d+(\.\d+)?\s*%?$/.test(value), { error: 'must be a share such as 20% or 0.2' })
  .transform((value) => (value.endsWith('%') ? Number.parseFloat(value) / 100 : Number(value)))
  .refine((value) => value > 0 && value <= 1, { error: 'must lie between 0 and 100 %' });

export const quietHours = text.transform((value, context) => {
  const hours = readQuietHours(value);
  if (!hours) context.addIssue({ code: 'custom', message: 'must be two different times such as 22:00-09:00' });
  return hours ?? z.NEVER;
});

export const onCall = text.transform((value, context): readonly OnCallTurn[] => {
  const turns = readOnCall(value);
  if (typeof turns !== 'string') return turns;
  context.addIssue({ code: 'custom', message: turns });
  return z.NEVER;
});

export const mailAddresses = list.refine((all) => all.length > 0 && all.every((one) => mailbox(one) !== undefined), {
  error: 'must be comma-separated e-mail addresses',
});

/**
 * Somebody, or a group, that gets alerts, and what this person may do by the staff's bot. `person` is the name of this person's token, where it
 * is said.
 */
export type TelegramAdmin = { telegramId: number; role: ApiRole; person: string | undefined };

export const telegramAdmins = list
  .transform((items) => items.map((item) => /^(-?\d{1,16})(?::([a-z]+)(?::([\w.-]+))?)?$/i.exec(item)))
  .refine((items) => items.length > 0 && !items.includes(null), {
    error:
      'must be comma-separated numeric Telegram ids, each alone, with a role as id:role, or with a role and the name of a token as id:role:name',
    abort: true,
  })
  .transform((items, context): TelegramAdmin[] => {
    const admins = new Map<number, TelegramAdmin>();
    for (const [, id, word = 'owner', person] of items as RegExpExecArray[]) {
      const telegramId = Number(id);
      const role = API_ROLES.find((known) => known === word.toLowerCase());
      const other = admins.get(telegramId);
      const otherRole = other?.role ?? role;
      if (!role || role !== otherRole) {
        context.issues.push({ code: 'custom', input: '', message: wrongRole(role, otherRole) });
      } else if (other?.person !== undefined && person !== undefined && other.person !== person) {
        context.issues.push({
          code: 'custom',
          input: '',
          message: `gives one id two names, ${other.person} and ${person}`,
        });
      } else admins.set(telegramId, { telegramId, role, person: person ?? other?.person });
    }
    return [...admins.values()];
  });

const wrongRole = (role: ApiRole | undefined, other: ApiRole | undefined): string =>
  role === undefined
    ? `has no known role for one of the ids: it must be one of ${API_ROLES.join(', ')}`
    : `gives one id two roles, ${other} and ${role}`;

/** A person or a program that may call the API, and what it may do. */
type ApiToken = { name: string; token: string; role: ApiRole };
const MIN_TOKEN = 16;

export const apiTokens = marked(
  list.transform((pairs, context): ApiToken[] => {
    const tokens = pairs.map(apiToken);
    const roles = new Map<string, ApiRole>();
    for (const read of tokens) {
      const problem = typeof read === 'string' ? read : sameRole(read, roles);
      if (problem === undefined) continue;
      context.issues.push({ code: 'custom', input: '', message: problem });
      return z.NEVER;
    }
    return tokens as ApiToken[];
  }),
  (tokens) => tokens.map(({ token }) => token),
);

/** A token, or what is wrong with it. A token may hold colons: only a word that is a role, or nearly one, is read as a role. */
function apiToken(text: string): ApiToken | string {
  const [, name, secret] = /^([\w.-]+):(\S+)$/.exec(text) ?? [];
  const wrong = `must be name:token pairs, each token at least ${MIN_TOKEN} characters, with a role after another colon where it is not owner`;
  if (name === undefined || secret === undefined || secret.length < MIN_TOKEN) return wrong;
  const at = secret.lastIndexOf(':');
  const word = secret.slice(at + 1).toLowerCase();
  if (at < 0 || !/^[a-z]{1,12}$/.test(word) || nearest(word, API_ROLES).length === 0)
    return { name, token: secret, role: 'owner' };
  const role = API_ROLES.find((known) => known === word);
  if (role === undefined) return `has no known role for ${name}: it must be one of ${API_ROLES.join(', ')}`;
  return at < MIN_TOKEN ? wrong : { name, token: secret.slice(0, at), role };
}

/** A name may have several tokens while one replaces the other, but a session knows its name alone. */
function sameRole({ name, role }: ApiToken, roles: Map<string, ApiRole>): string | undefined {
  const other = roles.get(name) ?? role;
  roles.set(name, role);
  return other === role ? undefined : `gives ${name} two roles, ${other} and ${role}; use two names`;
}

export const trustedProxies = text.transform((value, context): Proxies => {
  const read = proxiesIn(value);
  if (read !== undefined) return read;
  const message = 'must be a number of proxies up to 10, or addresses and networks such as 10.0.0.0/8, comma-separated';
  context.issues.push({ code: 'custom', input: '', message });
  return z.NEVER;
});

/** Credentials for HTTP's basic authentication, which a client sends in base64. */
export const basicAuth = marked(text.regex(/^[^:]+:.+$/, { error: 'must be user:password' }), (value) => [
  value,
  value.slice(value.indexOf(':') + 1),
  Buffer.from(value).toString('base64'),
]);

/** In a Redis Cluster the part in braces decides the slot of a key. A stream and the keys about it must share a slot. */
export const STREAM_NAME = /^[^{}]*(\{[^{}]+\}[^{}]*)?$/;
export const STREAM_NAME_PROBLEM = { error: 'may have braces only once, around some of its name' };

/** Headers in OpenTelemetry's form: `name=value,name=value`, values percent-encoded where necessary. */
export const headers = marked(
  list.transform((pairs, context) => {
    const read = pairs.map((pair) => /^([\w!#$%&'*+.^`|~-]+)\s*=\s*(.*)$/.exec(pair));
    try {
      if (!read.includes(null))
        return Object.fromEntries(read.map((pair) => [pair![1]!, decodeURIComponent(pair![2]!)]));
    } catch {
      // A stray percent sign is reported below, like any text that is not a pair.
    }
    context.issues.push({ code: 'custom', input: '', message: 'must be name=value pairs, values percent-encoded' });
    return z.NEVER;
  }),
  // A scheme such as `Bearer` stands before the secret, which may be printed without it.
  (byName) => Object.values(byName).flatMap((value) => [value, value.replace(/^\w+ +/, '')]),
);

/** A DSN in the form that Sentry shows. Its key is public and only allows sending, but it is masked anyway. */
export const dsn = marked(
  url(['http', 'https']).refine((value) => /^https?:\/\/\w+@[^/]+\/(.+\/)?\d+$/.test(value), {
    error: 'must be a DSN such as https://key@sentry.example.com/7',
  }),
  (value) => passwordsIn(value, { userIsKey: true }),
);
