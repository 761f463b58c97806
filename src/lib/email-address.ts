import { domainToASCII } from 'node:url';
import { z } from 'zod';

/** An address as a mail server is told it. */
export type WireAddress = {
  /** The domain is in ASCII (RFC 5891), the part before the @ as it was written, in Unicode's form C (RFC 6532, 3.1). */
  address: string;
  /** Whether only a server that offers SMTPUTF8 (RFC 6531) understands it. */
  needsUtf8: boolean;
};

/** In bytes, as it is told to a server (RFC 3696 with its errata). */
const MAX_BYTES = 254;
/** Twice the longest address: an IDN is at most that much longer in characters than on the wire. A longer text is not looked at. */
const MAX_CHARACTERS = 2 * MAX_BYTES;
const MAX_DOMAIN_BYTES = 253;
const MAX_LABEL_BYTES = 63;

/** Words of RFC 5322, 3.2.3 between dots, with all that RFC 6531, 3.3 adds. Quoted words are not taken: neither does the backend. */
const LOCAL_PART = /^[\w!#$%&'*+\-/=?^`{|}~\u{80}-\u{10FFFF}]+(?:\.[\w!#$%&'*+\-/=?^`{|}~\u{80}-\u{10FFFF}]+)*$/u;
/** Spaces, line breaks, controls and invisible ones; a combining mark at the beginning would join the character before it. */
const UNSAFE = /[\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Co}]|^\p{M}/u;
const DOMAIN = /^[a-z0-9.\-\u{80}-\u{10FFFF}]+$/iu;
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
/** Two letters and two hyphens are reserved, but for those of an IDN (RFC 5890, 2.3.1). */
const RESERVED_LABEL = /^(?!xn)..--/;

/**
 * Takes every address that the backend takes, whose rule is `EmailStr` of pydantic (email-validator 2.3), and few others: names that
 * no public server has, such as `x@vpn.test`, are the mail server's to refuse.
 */
export const emailAddress = z
  .string()
  .check((context) => {
    const read = readAddress(context.value);
    if ('problem' in read) context.issues.push({ code: 'custom', input: context.value, message: read.problem });
  })
  .meta({ format: 'idn-email' });

/** Throws for what `emailAddress` does not take. */
export function wireAddress(address: string): WireAddress {
  const read = readAddress(address);
  if ('problem' in read) throw new Error(`an e-mail address ${read.problem}`);
  return read;
}

/** `Name <address>` or the address alone; undefined where it is neither. */
export function mailbox(text: string): { name: string; address: WireAddress } | undefined {
  const open = text.endsWith('>') ? text.lastIndexOf('<') : -1;
  const read = readAddress(open < 0 ? text : text.slice(open + 1, -1));
  const name = text
    .slice(0, Math.max(0, open))
    .trim()
    .replace(/^"(.*)"$/, '$1');
  return 'problem' in read || /\p{Cc}/u.test(name) ? undefined : { name, address: read };
}

function readAddress(given: string): WireAddress | { problem: string } {
  if (given.length > MAX_CHARACTERS) return { problem: `must have at most ${MAX_BYTES} bytes` };
  const at = given.indexOf('@');
  if (at < 0) return { problem: 'must have an @, as in name@example.com' };
  const local = given.slice(0, at).normalize('NFC');
  if (!LOCAL_PART.test(local) || UNSAFE.test(local))
    return { problem: 'must have letters, digits and signs before the @, without spaces, quotes and doubled dots' };
  const domain = wireDomain(given.slice(at + 1));
  if (domain === undefined) return { problem: 'must have a domain after the @, as in name@example.com' };
  const address = `${local}@${domain}`;
  if (Buffer.byteLength(address) > MAX_BYTES) return { problem: `must have at most ${MAX_BYTES} bytes` };
  return { address, needsUtf8: /[^\0-\x7f]/.test(local) };
}

function wireDomain(given: string): string | undefined {
  if (!DOMAIN.test(given) || UNSAFE.test(given)) return undefined;
  const domain = domainToASCII(given);
  const labels = domain.split('.');
  const isName =
    labels.length > 1 &&
    domain.length <= MAX_DOMAIN_BYTES &&
    labels.every((label) => label.length <= MAX_LABEL_BYTES && LABEL.test(label) && !RESERVED_LABEL.test(label)) &&
    // No top-level domain ends in a digit: that would be a number of a host.
    /[a-z]$/.test(domain);
  return isName ? domain : undefined;
}
