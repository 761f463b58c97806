import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';

/** A mail as its reader's program shows it, and the raw bytes of it as text. */
export type ReceivedMail = {
  from: string;
  to: string[];
  subject: string;
  /** The two parts, decoded. Empty where there is none. */
  text: string;
  html: string;
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
  raw: string;
  /** When the server had all of it, in milliseconds since 1970. */
  at: number;
};

export type SmtpSandbox = AsyncDisposable & {
  /** For `SMTP_URL`. */
  url: string;
  mails(): readonly ReceivedMail[];
  /** Answers every message with this SMTP code from now on; undefined: takes them again. */
  refuse(code: number | undefined): void;
};

/** A mail server on loopback that keeps what it got. Speaks SMTP by the library of nodemailer's authors. */
export async function startSmtpSandbox(): Promise<SmtpSandbox> {
  const received: ReceivedMail[] = [];
  let refusal: number | undefined;
  const keep = async (bytes: Buffer, from: string, to: string[]): Promise<void> => {
    const { headers, html = '', subject = '', text = '' } = await PostalMime.parse(bytes);
    const named = new Map(headers.map(({ key, value }) => [key, value]));
    received.push({ from, to, subject, text, html, headers: named, raw: bytes.toString(), at: Date.now() });
  };
  const server = new SMTPServer({
    authOptional: true,
    closeTimeout: 200,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      const { mailFrom, rcptTo } = session.envelope;
      void buffer(stream)
        .then(async (bytes) => {
          if (refusal !== undefined)
            throw Object.assign(new Error('refused by the sandbox'), { responseCode: refusal });
          await keep(
            bytes,
            mailFrom ? mailFrom.address : '',
            rcptTo.map(({ address }) => address),
          );
          done();
        })
        // Refused, or cut off in the middle: the message was not taken.
        .catch((error: Error) => done(error));
    },
  });
  // A client that is killed resets its connection; the next one is served as before.
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails: () => received,
    refuse(code) {
      refusal = code;
    },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
