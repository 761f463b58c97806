/** The value of one cookie of a `Cookie` header (RFC 6265). Our own values are base64url and dots, so nothing needs decoding. */
export function cookieIn(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

export type CookieOptions = {
  maxAgeSeconds: number;
  /** The cookie travels only over TLS. */
  secure: boolean;
};

/** A cookie that no script can read, and that is not sent from another site's page or link. */
export function strictCookie(name: string, value: string, { maxAgeSeconds, secure }: CookieOptions): string {
  const parts = [`${name}=${value}`, 'Path=/', `Max-Age=${maxAgeSeconds}`, 'HttpOnly', 'SameSite=Strict'];
  return [...parts, ...(secure ? ['Secure'] : [])].join('; ');
}
