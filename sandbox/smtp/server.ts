import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';

/** A mail as a mail program shows it, and its raw bytes as text. */
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
  /** The time at which the server had received all of it, in milliseconds since 1970. */
  at: number;
};

export type SmtpSandbox = AsyncDisposable & {
  /** For `SMTP_URL`. */
  url: string;
  mails(): readonly ReceivedMail[];
  /** Refuses every message with this SMTP code from now on; undefined accepts them again. */
  refuse(code: number | undefined): void;
};

/** A mail server on loopback that keeps its messages. Speaks SMTP with the library of nodemailer's authors. */
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
        // The message was refused or cut off, so it was not accepted.
        .catch((error: Error) => done(error));
    },
  });
  // A killed client resets its connection. The next one is served as before.
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
