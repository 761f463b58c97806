import { isIP } from 'node:net';

/** Whose `X-Forwarded-For` counts: that of so many proxies before this service, or of proxies with these addresses. */
export type Proxies = number | readonly string[];

/** More proxies in a row are a mistake, and each one more is an address that a caller can make up. */
const MOST_PROXIES = 10;

/** Names of networks that `proxy-addr`, which Fastify uses, knows. */
const NAMED = new Set(['loopback', 'linklocal', 'uniquelocal']);

/** Undefined where the text is neither a number of proxies nor a list of addresses and networks. */
export function proxiesIn(text: string): Proxies | undefined {
  if (/^\d+$/.test(text)) return Number(text) <= MOST_PROXIES ? Number(text) : undefined;
  const all = text.split(',').map((one) => one.trim());
  return all.every((one) => NAMED.has(one) || isNetwork(one)) ? all : undefined;
}

/** The same in the form of `proxy-addr`: hop 0 is the address that the connection comes from. */
export function trustIn(proxies: Proxies): string[] | ((address: string, hop: number) => boolean) {
  return typeof proxies === 'number' ? (_address, hop) => hop < proxies : [...proxies];
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128))
  );
}
