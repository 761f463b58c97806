import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SmtpFault, SmtpStage } from '../../../sandbox/smtp/front.ts';
import { type SmtpSandbox, type SmtpSandboxOptions, startSmtpSandbox } from '../../../sandbox/smtp/server.ts';
import { Certificates } from '../../testing/servers/certificates.ts';
import type { Gate } from '../policy.ts';
import { Mailer, type MailerOptions, type SendOptions } from './mailer.ts';

const CODE = '481516';
const LOGIN = { user: 'mailer@vpn.example', pass: 'p@ss/w%rd' };
/** Short, so that a test need not wait; the worker's own are 30 s and 60 s. */
const LIMITS = { toDotMs: 700, answerMs: 700 };

/** One for all tests of the file, trusted by this process like one of a public authority. */
let made: { cert: string; key: string };
let certificates: Certificates;
const trusted = tls.getCACertificates('default');
beforeAll(async () => {
  certificates = await Certificates.make();
  const [ca, cert, key] = await Promise.all(
    [certificates.files.ca, certificates.files.certificate, certificates.files.key].map((file) =>
      readFile(file, 'utf8'),
    ),
  );
  tls.setDefaultCACertificates([...trusted, ca!]);
  made = { cert: cert!, key: key! };
});
afterAll(async () => {
  tls.setDefaultCACertificates(trusted);
  await certificates[Symbol.asyncDispose]();
});

const open: AsyncDisposable[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one[Symbol.asyncDispose]()));
});

async function sandbox(options?: SmtpSandboxOptions): Promise<SmtpSandbox> {
  const server = await startSmtpSandbox(options);
  open.push(server);
  return server;
}

function mailer(primaryUrl: string, options: Partial<MailerOptions> = {}): Mailer {
  return new Mailer({
    primaryUrl,
    resendUrl: undefined,
    from: 'CyberVPN <no-reply@vpn.example>',
    mayBeClear: false,
    observer: { called: () => undefined, breaker: () => undefined },
    limits: LIMITS,
    ...options,
  });
}

/** What became of the right to hand a message over. */
type Noted = ('taken' | 'given back' | 'settled')[];

async function send(by: Mailer, to = 'ivan@example.com', options: Partial<SendOptions> = {}): Promise<Noted> {
  const noted: Noted = [];
  const outcome = await attempt(by, to, { ...options, handover: options.handover ?? noting(noted) });
  if (outcome instanceof Error) throw outcome;
  return noted;
}

const noting = (noted: Noted): SendOptions['handover'] => ({
  take: async () => void noted.push('taken'),
  giveBack: async () => void noted.push('given back'),
  settle: async () => void noted.push('settled'),
});

/** The error, or undefined where it was sent. */
async function attempt(by: Mailer, to: string, options: Partial<SendOptions> = {}): Promise<unknown> {
  const mail = { to, subject: 'Your code', text: `${CODE}\n.\n..two`, html: `<p>${CODE}</p>`, locale: 'en' };
  const { signal } = new AbortController();
  const given = {
    isResend: false,
    id: 'job-1',
    attempt: 1,
    signal,
    handover: noting([]),
    tried: () => undefined,
    ...options,
  };
  return await by.send(mail, given).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('the class of the answer decides, at every stage', () => {
  const STAGES: readonly SmtpStage[] = ['greeting', 'ehlo', 'starttls', 'auth', 'mail', 'rcpt', 'data', 'message'];
  const FINAL: Partial<Record<SmtpStage, string>> = { auth: 'mail_unauthorized', starttls: 'mail_not_encrypted' };
  const table = STAGES.flatMap((stage) => [421, 451, 454, 500, 535, 552].map((code) => [stage, code] as const));

  // One for all: a server that was rude serves the next well.
  let server: SmtpSandbox;
  beforeAll(async () => {
    server = await startSmtpSandbox({ tls: made, login: LOGIN });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.each(table)('%s answered %i', async (stage, code) => {
    const before = server.mails().length;
    const noted: Noted = [];
    server.faults({ stage, kind: 'answer', code });
    const error = await attempt(mailer(server.url), 'ivan@example.com', { handover: noting(noted) });
    expect(error).toMatchObject(
      code < 500
        ? { name: 'TransientError', code: 'mail_unavailable' }
        : { name: 'PermanentError', code: FINAL[stage] ?? 'mail_refused' },
    );
    expect(String(error)).toContain(`SMTP_URL: the server answered ${code} to`);
    expect(String(error)).not.toMatch(/p@ss|481516|refused by the sandbox/);
    // A refused message is free for the next attempt.
    expect(noted).toEqual(stage === 'message' ? ['taken', 'given back'] : []);
    expect(server.mails()).toHaveLength(before);
  });

  const LOST: readonly (readonly [fault: SmtpFault['kind'], stage: SmtpStage])[] = [
    ...STAGES.slice(0, -1).flatMap((stage) => [['cut', stage] as const, ['silent', stage] as const]),
  ];
  test.each(LOST)('%s at %s is for now: nothing was handed over', async (kind, stage) => {
    const before = server.mails().length;
    const noted: Noted = [];
    server.faults({ stage, kind } as SmtpFault);
    const error = await attempt(mailer(server.url), 'ivan@example.com', { handover: noting(noted) });
    expect(error).toMatchObject({ name: 'TransientError', code: 'mail_unavailable' });
    expect(noted).toEqual([]);
    expect(server.mails()).toHaveLength(before);
  });

  test.each([
    ['the connection was cut, and the server has it', { stage: 'message', kind: 'lost_answer' }, 1],
    ['the connection was cut, and the server has it not', { stage: 'message', kind: 'cut' }, 0],
    ['no answer came in time', { stage: 'message', kind: 'silent' }, 0],
    ['the answer came too late', { stage: 'message', kind: 'slow', ms: 1500 }, 1],
  ] as const)('after the dot: %s: unknown, so never again', async (_, fault, mails) => {
    const server = await sandbox();
    const noted: Noted = [];
    server.faults(fault);
    const error = await attempt(mailer(server.url), 'ivan@example.com', { handover: noting(noted) });
    expect(error).toMatchObject({ name: 'PermanentError', code: 'mail_outcome_unknown' });
    expect(noted).toEqual(['taken']);
    expect(server.mails()).toHaveLength(mails);
  });

  test('a server that is not there, or whose name is not, is for now', async () => {
    for (const url of ['smtp://127.0.0.1:9', 'smtp://nowhere.invalid:25'])
      expect(await attempt(mailer(url), 'ivan@example.com')).toMatchObject({
        name: 'TransientError',
        code: 'mail_unavailable',
      });
  });

  test('what is no SMTP is for now, and its words are not repeated', async () => {
    const web = createServer((socket) => socket.on('error', () => undefined).end(`<html>${CODE}</html>\r\n`));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const { port } = web.address() as { port: number };
    const error = await attempt(mailer(`smtp://127.0.0.1:${port}`), 'ivan@example.com');
    expect(error).toMatchObject({ name: 'TransientError', code: 'mail_unavailable' });
    expect(String(error)).not.toContain(CODE);
    web.close();
  });

  test('a login without a password is said to be one', async () => {
    const error = await attempt(mailer(server.url.replace(/:[^:@]*@/, '@')), 'ivan@example.com');
    expect(error).toMatchObject({ name: 'PermanentError', code: 'mail_unauthorized' });
  });
});

describe('a limit ends the work', () => {
  test.each(['mail', 'rcpt', 'data'] as const)(
    'a server that is slow at %s cannot take the message later',
    async (stage) => {
      const server = await sandbox();
      server.faults({ stage, kind: 'slow', ms: 900 });
      expect(await attempt(mailer(server.url), 'ivan@example.com')).toMatchObject({ code: 'mail_unavailable' });
      server.faults();
      await delay(600);
      expect(server.mails()).toEqual([]);
      expect(server.connections()).toMatchObject({ all: 1 });
    },
  );

  test('a caller that leaves before the dot leaves nothing behind', async () => {
    const server = await sandbox();
    const controller = new AbortController();
    const noted: Noted = [];
    const taking = Promise.withResolvers<void>();
    const handover = { ...noting(noted), take: () => taking.promise.then(() => void noted.push('taken')) };
    const sending = attempt(mailer(server.url), 'ivan@example.com', { signal: controller.signal, handover });
    await expect.poll(() => server.heard().some(({ line }) => line === 'DATA')).toBe(true);
    controller.abort(new Error('the worker stops'));
    expect(await sending).toMatchObject({ message: 'the worker stops' });
    taking.resolve();
    await expect.poll(() => noted).toEqual(['taken', 'given back']);
    expect(server.mails()).toEqual([]);
  });

  test('a message that may not be handed over gets no dot', async () => {
    const server = await sandbox();
    const refusal = new Error('another run has it');
    const noted: Noted = [];
    const handover = { ...noting(noted), take: () => Promise.reject(refusal) };
    expect(await attempt(mailer(server.url), 'ivan@example.com', { handover })).toBe(refusal);
    await delay(50);
    // The rejection may be the loss of an answer that was yes.
    expect(noted).toEqual(['given back']);
    expect(server.mails()).toEqual([]);
  });

  test('a slow server opens no breaker, and neither do answers about single messages', async () => {
    const server = await sandbox();
    const by = mailer(server.url, { limits: { toDotMs: 2000, answerMs: 2000 } });
    server.faults({ stage: 'message', kind: 'slow', ms: 1200, times: 6 });
    expect(await Promise.all(Array.from({ length: 6 }, () => attempt(by, 'ivan@example.com')))).toEqual(
      Array(6).fill(undefined),
    );
    server.faults({ stage: 'rcpt', kind: 'answer', code: 451, times: 8 });
    for (let i = 0; i < 8; i += 1)
      expect(await attempt(by, 'ivan@example.com')).toMatchObject({ code: 'mail_unavailable' });
    expect(await attempt(by, 'ivan@example.com')).toBeUndefined();
  });

  test('a server that is away opens the breaker', async () => {
    const by = mailer('smtp://127.0.0.1:9');
    for (let i = 0; i < 5; i += 1) await attempt(by, 'ivan@example.com');
    expect(await attempt(by, 'ivan@example.com')).toMatchObject({ code: 'breaker_open' });
  });

  test("waiting for a place is not the server's time, and does not go on for long", async () => {
    const server = await sandbox({ maxConnections: 1 });
    server.faults({ stage: 'message', kind: 'slow', ms: 500 });
    const by = mailer(server.url, { gates: { smtp: onePlace(), smtp_resend: onePlace() } });
    expect(await Promise.all([1, 2, 3].map(() => attempt(by, 'ivan@example.com')))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(server.connections().mostAtOnce).toBe(1);
    server.faults({ stage: 'message', kind: 'slow', ms: 5_000 });
    const patient = mailer(server.url, {
      gates: { smtp: onePlace(), smtp_resend: onePlace() },
      limits: { toDotMs: 700, answerMs: 6_000 },
    });
    const first = attempt(patient, 'ivan@example.com');
    await delay(50);
    expect(await attempt(patient, 'ivan@example.com')).toMatchObject({ name: 'SnoozeError' });
    expect(await first).toBeUndefined();
  });
});

describe('the other server', () => {
  const UNUSABLE: readonly SmtpStage[] = ['greeting', 'ehlo', 'starttls', 'auth'];

  test.each(UNUSABLE)('is asked from the second attempt on, where the first is of no use at %s', async (stage) => {
    const [first, second] = await Promise.all([sandbox({ tls: made, login: LOGIN }), sandbox()]);
    const by = mailer(first.url, { resendUrl: second.url });
    first.faults({ stage, kind: 'answer', code: 454 });
    expect(await attempt(by, 'ivan@example.com', { attempt: 1 })).toMatchObject({ code: 'mail_unavailable' });
    expect(await attempt(by, 'ivan@example.com', { attempt: 2 })).toBeUndefined();
    expect([first.mails().length, second.mails().length]).toEqual([0, 1]);
  });

  test.each([
    ['mail', { kind: 'answer', code: 451 }],
    ['rcpt', { kind: 'answer', code: 450 }],
    ['data', { kind: 'cut' }],
    ['message', { kind: 'answer', code: 451 }],
    ['message', { kind: 'lost_answer' }],
  ] as const)('is not asked where the first has heard of the message, at %s', async (stage, fault) => {
    const [first, second] = await Promise.all([sandbox(), sandbox()]);
    first.faults({ stage, ...fault });
    expect(
      await attempt(mailer(first.url, { resendUrl: second.url }), 'ivan@example.com', { attempt: 3 }),
    ).toBeInstanceOf(Error);
    expect(second.mails()).toEqual([]);
  });

  test('of two that are away the one that was to send is named', async () => {
    const by = mailer('smtp://127.0.0.1:9', { resendUrl: 'smtp://127.0.0.1:9' });
    expect(String(await attempt(by, 'ivan@example.com', { attempt: 2 }))).toContain('SMTP_URL: ');
    expect(String(await attempt(by, 'ivan@example.com', { attempt: 2, isResend: true }))).toContain(
      'SMTP_URL_RESEND: ',
    );
  });
});

describe('never in clear by accident', () => {
  /** Lines that were heard without encryption, besides greetings. */
  const clear = (server: SmtpSandbox) =>
    server.heard().filter(({ isEncrypted, line }) => !isEncrypted && !/^(EHLO .*|STARTTLS|QUIT)$/.test(line));

  const table: readonly (readonly [
    what: string,
    options: SmtpSandboxOptions,
    mayBeClear: boolean,
    outcome: 'encrypted' | 'clear' | 'refused',
  ])[] = [
    ['smtp:// with a login, no STARTTLS', { login: LOGIN }, false, 'refused'],
    [
      'smtp:// with a login, STARTTLS taken out of the answer on its way',
      { login: LOGIN, hides: ['STARTTLS'] },
      false,
      'refused',
    ],
    ['smtp:// with a login, no STARTTLS, allowed by name', { login: LOGIN }, true, 'clear'],
    ['smtp:// without a login to this host, no STARTTLS', {}, false, 'clear'],
    ['smtp:// with a login and STARTTLS', { login: LOGIN, tls: { key: '', cert: '' } }, false, 'encrypted'],
    [
      'smtp:// with a login and STARTTLS, clear allowed',
      { login: LOGIN, tls: { key: '', cert: '' } },
      true,
      'encrypted',
    ],
    ['smtp:// without a login and with STARTTLS', { tls: { key: '', cert: '' } }, false, 'encrypted'],
    ['smtps:// with a login', { login: LOGIN, tls: { key: '', cert: '', implicit: true } }, false, 'encrypted'],
  ];
  test.each(table)('%s', async (_, { tls: wanted, ...options }, mayBeClear, outcome) => {
    const server = await sandbox({ ...options, tls: wanted && { ...wanted, ...made } });
    const by = mailer(server.url, { mayBeClear });
    const error = await attempt(by, 'ivan@example.com');
    const verified = await by.verify('primary', new AbortController().signal).catch((refusal: unknown) => refusal);
    expect(server.mails()).toHaveLength(outcome === 'refused' ? 0 : 1);
    if (outcome === 'clear') {
      expect(error).toBeUndefined();
      expect(verified).toEqual({ isEncrypted: false });
      return;
    }
    expect(clear(server)).toEqual([]);
    const refusal = {
      name: 'PermanentError',
      code: 'mail_not_encrypted',
      message: expect.stringContaining('SMTP_ALLOW_CLEARTEXT=true'),
    };
    if (outcome === 'refused') {
      expect(error).toMatchObject(refusal);
      expect(verified).toMatchObject(refusal);
    } else {
      expect(error).toBeUndefined();
      expect(verified).toEqual({ isEncrypted: true });
    }
  });

  test.each([
    ['?ignoreTLS=true', 'mail_not_encrypted'],
    ['?opportunisticTLS=true&requireTLS=false', 'mail_not_encrypted'],
  ])('an address with %s encrypts all the same', async (query, code) => {
    const server = await sandbox({ login: LOGIN });
    expect(await attempt(mailer(`${server.url}/${query}`), 'ivan@example.com')).toMatchObject({ code });
    expect(clear(server)).toEqual([]);
  });

  test('a server on another host gets nothing in clear, even without a login', async () => {
    const server = await sandbox();
    // 0.0.0.0 leads to this host, and is no name of it.
    const elsewhere = server.url.replace('127.0.0.1', '0.0.0.0');
    expect(await attempt(mailer(elsewhere), 'ivan@example.com')).toMatchObject({ code: 'mail_not_encrypted' });
    expect(clear(server)).toEqual([]);
    expect(await attempt(mailer(elsewhere, { mayBeClear: true }), 'ivan@example.com')).toBeUndefined();
  });

  test('a certificate that nobody vouches for is for now, and nothing is said to it', async () => {
    await using stranger = await Certificates.make();
    const [cert, key] = await Promise.all([
      readFile(stranger.files.certificate, 'utf8'),
      readFile(stranger.files.key, 'utf8'),
    ]);
    const server = await sandbox({ login: LOGIN, tls: { cert, key } });
    expect(await attempt(mailer(server.url), 'ivan@example.com')).toMatchObject({
      name: 'TransientError',
      code: 'mail_unavailable',
    });
    expect(server.heard().filter(({ line }) => /^(AUTH|MAIL)/.test(line))).toEqual([]);
    expect(await attempt(mailer(`${server.url}/?tls.rejectUnauthorized=false`), 'ivan@example.com')).toBeUndefined();
  });
});

describe('the address goes out in the form that the server understands', () => {
  test.each([
    ['ivan@пример.рф', 'RCPT TO:<ivan@xn--e1afmkfd.xn--p1ai>'],
    ['r&d+vpn@example.com', 'RCPT TO:<r&d+vpn@example.com>'],
    ["o'brien@example.com", "RCPT TO:<o'brien@example.com>"],
    ['!#$%&*/=?^_`{|}~@example.com', 'RCPT TO:<!#$%&*/=?^_`{|}~@example.com>'],
  ])('%s, without SMTPUTF8', async (to, line) => {
    const server = await sandbox({ hides: ['SMTPUTF8'] });
    expect(await attempt(mailer(server.url), to)).toBeUndefined();
    expect(server.heard().map((heard) => heard.line)).toContain(line);
    expect(server.heard().some((heard) => heard.line.includes('SMTPUTF8'))).toBe(false);
    expect(server.mails()[0]!.headers.get('to')).toBe(line.slice('RCPT TO:<'.length, -1));
  });

  test.each([
    ['иван@пример.рф', 'RCPT TO:<иван@xn--e1afmkfd.xn--p1ai>', 'иван@пример.рф'],
    ['jose\u0301@example.com', 'RCPT TO:<jos\u00e9@example.com>', 'jos\u00e9@example.com'],
  ])('%s, with SMTPUTF8', async (to, line, header) => {
    const server = await sandbox();
    expect(await attempt(mailer(server.url), to)).toBeUndefined();
    const lines = server.heard().map((heard) => heard.line);
    expect(lines).toContain(line);
    expect(lines.find((one) => one.startsWith('MAIL FROM'))).toMatch(/ SMTPUTF8\b/);
    expect(server.mails()[0]!.raw).toContain(`\nTo: ${header}\r\n`);
  });

  test('a server without SMTPUTF8 is told nothing of an address that it cannot take', async () => {
    const server = await sandbox({ hides: ['SMTPUTF8'] });
    const error = await attempt(mailer(server.url), 'иван@example.com');
    expect(error).toMatchObject({ name: 'PermanentError', code: 'mail_address_unsupported' });
    expect(String(error)).toContain('SMTPUTF8');
    expect(server.heard().some(({ line }) => line.startsWith('MAIL'))).toBe(false);
  });

  test('nothing that a producer or an operator writes becomes a header', async () => {
    const server = await sandbox();
    const by = mailer(server.url);
    expect(await attempt(by, 'ivan@example.com', { id: 'x>\r\nBcc: <eve@example.com' })).toBeUndefined();
    expect(await attempt(by, 'ivan@example.com\r\nBcc: eve@example.com')).toBeInstanceOf(Error);
    expect(
      await attempt(mailer(server.url, { from: 'A\r\nBcc: eve@example.com <a@vpn.example>' }), 'ivan@example.com'),
    ).toMatchObject({
      code: 'mail_not_configured',
    });
    expect(server.mails()).toHaveLength(1);
    const [{ headers, to }] = server.mails() as [ReturnType<SmtpSandbox['mails']>[number]];
    expect(headers.has('bcc')).toBe(false);
    expect(to).toEqual(['ivan@example.com']);
    expect(headers.get('message-id')).toMatch(/^<[0-9a-f]{64}@vpn\.example>$/);
  });

  test('the Message-ID is that of the job, whichever attempt and server', async () => {
    const server = await sandbox();
    for (const n of [1, 2])
      expect(await attempt(mailer(server.url), 'ivan@example.com', { attempt: n })).toBeUndefined();
    expect(server.mails().map(({ headers }) => headers.get('message-id'))).toEqual(
      Array(2).fill('<job-1@vpn.example>'),
    );
  });
});

test('a message arrives as it was written, dots at the beginning of lines included', async () => {
  const server = await sandbox();
  expect(await send(mailer(server.url))).toEqual(['taken', 'settled']);
  expect(server.mails()[0]).toMatchObject({ subject: 'Your code', html: `<p>${CODE}</p>\n` });
  expect(server.mails()[0]!.text.trim()).toBe(`${CODE}\n.\n..two`);
});

test('a server that takes few connections puts the others off', async () => {
  const server = await sandbox({ maxConnections: 2 });
  server.faults({ stage: 'message', kind: 'slow', ms: 300 });
  const outcomes = await Promise.all([1, 2, 3, 4].map(() => attempt(mailer(server.url), 'ivan@example.com')));
  expect(outcomes.filter((one) => one === undefined)).toHaveLength(2);
  expect(outcomes.filter((one) => (one as Error | undefined)?.message.includes('421 4.7.0'))).toHaveLength(2);
  expect(server.mails()).toHaveLength(2);
});

/** A gate with one place, first come, first served. */
function onePlace(): Gate {
  let last = Promise.resolve();
  return {
    async acquire(signal) {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = promise;
      await Promise.race([
        before,
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ]).catch((error) => {
        void before.then(resolve);
        throw error;
      });
      return async () => resolve();
    },
  };
}
