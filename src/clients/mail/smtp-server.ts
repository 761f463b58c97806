import { type MailProvider, providerOf } from './mail-try.ts';

/** Where a mail server is and how it is spoken to. */
export type SmtpServer = {
  host: string;
  provider: MailProvider;
  port: number | undefined;
  /** TLS from the first byte. */
  secure: boolean;
  /** Nothing but STARTTLS is told to a server before it has encrypted the connection. */
  requireTls: boolean;
  login: { user: string; pass: string } | undefined;
  /** What the address asks of TLS by `?tls.servername=…` or `?tls.rejectUnauthorized=false`. */
  tls: Readonly<Record<string, unknown>>;
  /** How this worker names itself, by `?name=…`. */
  name: string | undefined;
};

/**
 * Reads `smtp://` and `smtps://`. Without `mayBeClear` everything is encrypted, but for mail without a login to this very machine, as to
 * a relay beside the worker: that never goes over a wire. Other options of nodemailer in an address, such as `ignoreTLS`, have no effect.
 */
export function smtpServer(address: string, mayBeClear: boolean): SmtpServer {
  const url = new URL(address);
  const secure = url.protocol === 'smtps:';
  const login =
    url.username === ''
      ? undefined
      : { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
  const asked = [...url.searchParams].filter(([name]) => name.startsWith('tls.'));
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    host,
    provider: providerOf(host),
    port: url.port === '' ? undefined : Number(url.port),
    secure,
    requireTls: !secure && !mayBeClear && (login !== undefined || !isThisMachine(host)),
    login,
    tls: Object.fromEntries(asked.map(([name, value]) => [name.slice('tls.'.length), asJson(value)])),
    name: url.searchParams.get('name') ?? undefined,
  };
}

const isThisMachine = (host: string): boolean => host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);

const asJson = (value: string): unknown => (value === 'true' || value === 'false' ? value === 'true' : value);
