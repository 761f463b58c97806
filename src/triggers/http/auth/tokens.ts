import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiRole } from '../../../lib/api-role.ts';

/** A person or a program that may call the API. Its name is recorded in jobs and in the audit trail; its token proves it. */
export type NamedToken = { readonly name: string; readonly token: string; readonly role: ApiRole };

/** Finds the owner of a token. Holds digests only. */
export class TokenBook {
  readonly #entries: readonly { name: string; digest: Buffer }[];

  constructor(tokens: readonly Pick<NamedToken, 'name' | 'token'>[]) {
    this.#entries = tokens.map(({ name, token }) => ({ name, digest: digestOf(token) }));
  }

  /** Compares with every token, even after a match, so that the time taken tells nothing about them. */
  nameOf(token: string): string | undefined {
    const given = digestOf(token);
    return this.#entries.reduce<string | undefined>(
      (found, { name, digest }) => (timingSafeEqual(given, digest) ? name : found),
      undefined,
    );
  }
}

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();
