import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { Front, type FrontOptions, type Heard, type SmtpFault } from './front.ts';

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
  /** For `SMTP_URL`, with the login where the server wants one. */
  url: string;
  mails(): readonly ReceivedMail[];
  /** Answers every message with this SMTP code from now on; undefined: takes them again. */
  refuse(code: number | undefined): void;
  /** From now on behaves as told at each stage, the first fault of a stage first; without any: well. */
  faults(...faults: SmtpFault[]): void;
  /** Every line that clients wrote, and each message as one, with whether it came encrypted. */
  heard(): readonly Heard[];
  /** Connections since the start, and how many were open at the same time at most. */
  connections(): { all: number; mostAtOnce: number };
};

export type SmtpSandboxOptions = Partial<Pick<FrontOptions, 'tls' | 'hides' | 'maxConnections'>> & {
  /** Takes mail only after this login; without, nobody needs one. */
  login?: { user: string; pass: string };
};

/** A mail server on loopback that keeps what it got, and is as rude as told. Speaks SMTP by the library of nodemailer's authors. */
export async function startSmtpSandbox(options: SmtpSandboxOptions = {}): Promise<SmtpSandbox> {
  const { hides = [], login, maxConnections = Number.POSITIVE_INFINITY, tls } = options;
  const received: ReceivedMail[] = [];
  const keep = async (bytes: Buffer, from: string, to: string[]): Promise<void> => {
    const { headers, html = '', subject = '', text = '' } = await PostalMime.parse(bytes);
    const named = new Map(headers.map(({ key, value }) => [key, value]));
    received.push({ from, to, subject, text, html, headers: named, raw: bytes.toString(), at: Date.now() });
  };
  const server = new SMTPServer({
    authOptional: login === undefined,
    allowInsecureAuth: true,
    closeTimeout: 20,
    disableReverseLookup: true,
    disabledCommands: login ? ['STARTTLS'] : ['STARTTLS', 'AUTH'],
    onAuth({ password, username }, _session, done) {
      if (username === login?.user && password === login?.pass) done(null, { user: username });
      else done(Object.assign(new Error('5.7.8 Wrong login'), { responseCode: 535 }));
    },
    onData(stream, session, done) {
      const { mailFrom, rcptTo } = session.envelope;
      void buffer(stream)
        .then(async (bytes) => {
          await keep(
            bytes,
            mailFrom ? mailFrom.address : '',
            rcptTo.map(({ address }) => address),
          );
          done();
        })
        // Cut off in the middle: the message was not taken.
        .catch((error: Error) => done(error));
    },
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port: innerPort } = server.server.address() as AddressInfo;
  const front = new Front({ innerPort, tls, hides, maxConnections });
  const port = await front.listen();
  const userInfo = login ? `${encodeURIComponent(login.user)}:${encodeURIComponent(login.pass)}@` : '';
  return {
    url: `${tls?.implicit ? 'smtps' : 'smtp'}://${userInfo}127.0.0.1:${port}`,
    mails: () => received,
    refuse(code) {
      front.faults = code === undefined ? [] : [{ stage: 'message', kind: 'answer', code }];
    },
    faults(...faults) {
      front.faults = faults;
    },
    heard: () => front.heard,
    connections: () => ({ all: front.connections, mostAtOnce: front.mostAtOnce }),
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
