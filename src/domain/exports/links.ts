import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

export type ExportLinksOptions = {
  /** PUBLIC_URL: the address at which people reach this service. */
  publicUrl: string | undefined;
  /** The tokens of API_TOKENS. Without any, the API is off and a link would lead nowhere. */
  apiTokens: readonly string[];
  clock(): Date;
};

/**
 * Signed links that open one export until a given time, for people without a token. The key is derived (HKDF, RFC 5869) from the API
 * tokens, so links end when the tokens are changed, and every worker has the same key without another secret.
 */
export class ExportLinks {
  readonly #options: ExportLinksOptions;
  readonly #key: Buffer | undefined;

  constructor(options: ExportLinksOptions) {
    this.#options = options;
    const secret = [...options.apiTokens].sort((a, b) => (a < b ? -1 : 1)).join('\n');
    this.#key =
      secret === '' ? undefined : Buffer.from(hkdfSync('sha256', secret, '', 'task-worker export link, version 1', 32));
  }

  /** Undefined where no public address or no token is configured. */
  to(exportId: string, expiresAt: Date): string | undefined {
    const { publicUrl } = this.#options;
    if (publicUrl === undefined || this.#key === undefined) return undefined;
    const expires = String(Math.floor(expiresAt.getTime() / 1000));
    const query = new URLSearchParams({ expires, signature: this.#sign(this.#key, exportId, expires) });
    return `${publicUrl}/api/v1/exports/${exportId}?${query}`;
  }

  /** Whether this query opens this export now. Compares the signature in constant time. */
  isSigned(exportId: string, { expires, signature }: Readonly<Record<string, unknown>>): boolean {
    if (this.#key === undefined || typeof expires !== 'string' || typeof signature !== 'string') return false;
    const expected = Buffer.from(this.#sign(this.#key, exportId, expires));
    const given = Buffer.from(signature);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false;
    return Number(expires) * 1000 > this.#options.clock().getTime();
  }

  #sign(key: Buffer, exportId: string, expires: string): string {
    return createHmac('sha256', key).update(`${exportId}\n${expires}`).digest('base64url');
  }
}
