import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { hours } from '../../../lib/duration.ts';
import type { NamedToken } from './tokens.ts';

/** A working day; then people log in again. */
export const SESSION_MS = hours(12);

/** A session that is intact, not over, and signed with a token that is still valid. Somebody may have ended it before its time. */
export type Session = { id: string; name: string; endsAt: Date };

/**
 * Sessions as signed text in a cookie, so every replica knows every session; only those that were ended are stored. The key derives from
 * the person's API token: removing or changing the token ends the sessions that were opened with it.
 */
export class Sessions {
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #clock: () => Date;

  constructor(tokens: readonly Pick<NamedToken, 'name' | 'token'>[], clock: () => Date) {
    this.#keys = new Map(tokens.map(({ name, token }) => [name, sign(token, 'operations-page session key')]));
    this.#clock = clock;
  }

  /** A session for a person who has shown their token. It lasts for `SESSION_MS`. */
  issue(name: string): string {
    const id = randomBytes(16).toString('base64url');
    const claim = `${Buffer.from(name).toString('base64url')}.${this.#clock().getTime() + SESSION_MS}.${id}`;
    return `${claim}.${sign(this.#keys.get(name)!, claim).toString('base64url')}`;
  }

  read(session: string): Session | undefined {
    const [encoded = '', endsAt = '', id = '', signature = '', ...rest] = session.split('.');
    const name = Buffer.from(encoded, 'base64url').toString();
    const key = this.#keys.get(name);
    if (!key || rest.length > 0) return undefined;
    const expected = sign(key, `${encoded}.${endsAt}.${id}`);
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return Number(endsAt) > this.#clock().getTime() ? { id, name, endsAt: new Date(Number(endsAt)) } : undefined;
  }
}

const sign = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
