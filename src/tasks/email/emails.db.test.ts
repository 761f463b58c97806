import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type SmtpSandbox, startSmtpSandbox } from '../../../sandbox/smtp/server.ts';
import { days, minutes, seconds } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { refusalsOf } from '../../testing/redis.ts';
import { type RunOptions, type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';

describe('e-mail tasks', () => {
  let world: TestApp;
  let primary: SmtpSandbox;
  let second: SmtpSandbox;
  beforeAll(async () => {
    [primary, second] = await Promise.all([startSmtpSandbox(), startSmtpSandbox()]);
    world = await testApp({
      SMTP_URL: primary.url,
      SMTP_URL_RESEND: second.url,
      EMAIL_FROM: 'CyberVPN <no-reply@cybervpn.test>',
      MAGIC_LINK_BASE_URL: 'https://app.cybervpn.test/magic?from=mail',
    });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await Promise.all([primary[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
  });
  beforeEach(() => {
    primary.faults();
    second.faults();
  });

  const lastOf = (server: SmtpSandbox) => server.mails().at(-1)!;

  const LINK = 'https://app.cybervpn.test/magic?from=mail&token=tok+en%261';
  const MAILS = [
    ['send_otp_email', { otp_code: '481516' }, ['481516']],
    ['send_magic_link_email', { token: 'tok en&1', otp_code: '7701' }, [LINK, '7701']],
    ['send_password_reset_email', { otp_code: '234200' }, ['234200']],
  ] as const;
  const SUBJECTS: Readonly<Record<string, readonly [en: string, ru: string]>> = {
    send_otp_email: ['Your CyberVPN code', 'Ваш код CyberVPN'],
    send_magic_link_email: ['Sign in to CyberVPN', 'Вход в CyberVPN'],
    send_password_reset_email: ['Reset your CyberVPN password', 'Сброс пароля CyberVPN'],
  };

  describe.each(MAILS)('%s', (task, payload, secrets) => {
    test.each([
      ['en', 'en-EN', 'It is valid for 10 minutes'],
      ['ru', 'ru-RU', 'Действует 10 минут'],
    ])(
      'in %s: its subject, and what it brings in both parts, from the first server',
      async (language, locale, valid) => {
        expect(await world.run(task, { email: 'a@b.test', locale, ...payload })).toEqual({ sent: 1, expired: 0 });
        const { from, headers, html, subject, text, to } = lastOf(primary);
        expect({ from, to }).toEqual({ from: 'no-reply@cybervpn.test', to: ['a@b.test'] });
        expect(subject).toBe(SUBJECTS[task]![language === 'en' ? 0 : 1]);
        expect(headers.get('content-language')).toBe(language);
        expect(text).toContain(valid);
        expect(html).toContain(valid);
        for (const secret of secrets) {
          expect(text).toContain(secret);
          expect(html.replaceAll('&#38;', '&')).toContain(secret);
        }
      },
    );
  });

  test.each(['send_otp_email', 'send_magic_link_email'] as const)(
    '%s that is asked for again is sent by the second server',
    async (task) => {
      const before = primary.mails().length;
      const secret = task === 'send_otp_email' ? { otp_code: '1' } : { token: 't' };
      const payload = { email: `${task}@b.test`, ...secret, is_resend: true };
      await world.run(task, payload);
      expect(lastOf(second).to).toEqual([`${task}@b.test`]);
      expect(primary.mails()).toHaveLength(before);
    },
  );

  test('without a code beside it a magic link stands alone, and what is not Russian is English', async () => {
    await world.run('send_magic_link_email', { email: 'a@b.test', token: 'x', locale: 'rus' });
    expect(lastOf(primary).text).not.toContain('Or enter this code');
    await world.run('send_otp_email', { email: 'a@b.test', otp_code: '5', locale: 'ru_RU' });
    expect(lastOf(primary).headers.get('content-language')).toBe('ru');
  });

  test('hostile words in a code stay words', async () => {
    await world.run('send_otp_email', { email: 'a@b.test', otp_code: '<b>"&\'' });
    const { html, text } = lastOf(primary);
    expect(text).toContain('<b>"&\'');
    expect(html).not.toContain('<b>"');
  });

  test('run twice for one job sends once', async () => {
    const before = primary.mails().length;
    for (let runs = 0; runs < 2; runs += 1)
      await world.run('send_otp_email', { email: 'a@b.test', otp_code: '3' }, { jobId: 'mail-1' });
    expect(primary.mails()).toHaveLength(before + 1);
  });

  test('a code older than its validity is not sent any more', async () => {
    const now = new Date();
    const enqueuedAt = new Date(now.getTime() - minutes(10) - 1);
    expect(await world.run('send_otp_email', { email: 'a@b.test', otp_code: '4' }, { now, enqueuedAt })).toEqual({
      sent: 0,
      expired: 1,
    });
  });

  test('a mail server that is away until the code is of no use: the admins are told, without the code', async () => {
    primary.refuse(451);
    const job = { jobId: 'mail-late', enqueuedAt: new Date(Date.now() - minutes(2)) };
    const payload = { email: 'late@b.test', otp_code: '90210907' };
    await expect(world.run('send_otp_email', payload, { ...job, attempt: 3 })).rejects.toMatchObject({
      code: 'mail_unavailable',
    });
    const now = new Date(job.enqueuedAt.getTime() + minutes(12.5));
    const last = world.run('send_otp_email', payload, { ...job, now, attempt: 4 });
    await expect(last).rejects.toMatchObject({ code: 'mail_too_late', name: 'PermanentError' });
    const { rows } = await world.database.pool.query(
      `select message from notification_queue where notification_type = 'alert:task_failed'`,
    );
    expect(rows).toHaveLength(1);
    expect(rows[0].message).toContain('send_otp_email');
    expect(JSON.stringify(rows)).not.toMatch(/90210907|late@b.test/);
    expect(await world.app.metrics.registry.metrics()).not.toMatch(/90210907|late@b.test/);
  });

  test('refused for now is retried, refused for good is not, and neither error holds the code', async () => {
    primary.refuse(451);
    const temporary = await world
      .run('send_otp_email', { email: 'a@b.test', otp_code: '999111' })
      .catch((error: unknown) => error);
    expect(temporary).toMatchObject({ name: 'TransientError', code: 'mail_unavailable' });
    primary.refuse(550);
    const final = await world
      .run('send_otp_email', { email: 'a@b.test', otp_code: '999111' })
      .catch((error: unknown) => error);
    expect(final).toMatchObject({ name: 'PermanentError', code: 'mail_refused' });
    expect(`${temporary}${final}`).not.toContain('999111');
  });

  test('without a mail server says which variables to set', async () => {
    await using bare = await testApp();
    await expect(bare.run('send_otp_email', { email: 'a@b.test', otp_code: '5' })).rejects.toThrow(
      /set SMTP_URL and EMAIL_FROM/,
    );
    await expect(bare.run('send_magic_link_email', { email: 'a@b.test', token: 't' })).rejects.toThrow(
      /set MAGIC_LINK_BASE_URL/,
    );
  });

  describe('a code is mailed once, in time or not at all', () => {
    let count = 0;
    /** A new address, so that a test finds its own mails. */
    const someone = () => `reader${count++}@b.test`;
    const mailsTo = (address: string) =>
      [...primary.mails(), ...second.mails()].filter(({ to }) => to.includes(address));
    const otp = (email: string, options?: RunOptions) => world.run('send_otp_email', { email, otp_code: '7' }, options);
    const errorOf = (run: Promise<unknown>): Promise<{ code?: string; name: string } | undefined> =>
      run.then(
        () => undefined,
        (error) => error,
      );
    /** Runs again what was put off, as the engine does. */
    async function untilDone(email: string, options: RunOptions): Promise<unknown> {
      for (;;) {
        try {
          return await otp(email, options);
        } catch (error) {
          if (!(error instanceof SnoozeError)) throw error;
        }
      }
    }
    /** Lets time pass for the run that has claimed a message. */
    const later = async (jobId: string, ms: number) => {
      const left = days(1) - ms;
      expect(await world.redis.client.pexpire(`cybervpn:mail:claim:${jobId}`, left)).toBe(1);
    };

    test('eight at once by a server that takes 4 s for each: what finds no place waits, and each arrives once', async () => {
      primary.faults({ stage: 'message', kind: 'slow', ms: 4_000 });
      const readers = Array.from({ length: 8 }, someone);
      const all = await Promise.all(readers.map((reader) => untilDone(reader, { jobId: `slow-${reader}` })));
      expect(all).toEqual(readers.map(() => ({ sent: 1, expired: 0 })));
      expect(readers.map((reader) => mailsTo(reader).length)).toEqual(readers.map(() => 1));
    });

    test('what finds no place before its code is over is told as too late', async () => {
      primary.faults({ stage: 'message', kind: 'slow', ms: 4_500 });
      const busy = Array.from({ length: 5 }, () => otp(someone()));
      const reader = someone();
      const now = new Date();
      const enqueuedAt = new Date(now.getTime() - minutes(10) + seconds(5));
      expect(await errorOf(otp(reader, { now, enqueuedAt }))).toMatchObject({ code: 'mail_too_late' });
      await Promise.all(busy);
      expect(mailsTo(reader)).toEqual([]);
    });

    test.each(['mail', 'rcpt', 'data'] as const)(
      'a code that ends while the server dawdles at %s is not handed over',
      async (stage) => {
        primary.faults({ stage, kind: 'slow', ms: 800 });
        const reader = someone();
        const now = new Date();
        const enqueuedAt = new Date(now.getTime() - minutes(10) + 400);
        expect(await errorOf(otp(reader, { now, enqueuedAt }))).toMatchObject({ code: 'mail_too_late' });
        expect(mailsTo(reader)).toEqual([]);
      },
    );

    test('two workers with the same job: one hands it over, the other waits for what becomes of it', async () => {
      primary.faults({ stage: 'message', kind: 'slow', ms: 500 });
      const reader = someone();
      const runs = await Promise.all([1, 2, 3].map(() => errorOf(otp(reader, { jobId: 'twins' }))));
      expect(runs.filter((error) => error === undefined)).toHaveLength(1);
      expect(runs.filter((error) => error instanceof SnoozeError)).toHaveLength(2);
      expect(await otp(reader, { jobId: 'twins' })).toEqual({ sent: 0, expired: 0 });
      expect(mailsTo(reader)).toHaveLength(1);
    });

    test.each([
      ['lost_answer', 1],
      ['cut', 0],
    ] as const)(
      'after a dot without an answer (%s) nobody sends again, and the admins are told',
      async (kind, mails) => {
        primary.faults({ stage: 'message', kind, times: 1 });
        const reader = someone();
        const job = { jobId: `lost-${kind}` };
        const unknown = { name: 'PermanentError', code: 'mail_outcome_unknown' };
        expect(await errorOf(otp(reader, job))).toMatchObject(unknown);
        expect(await errorOf(otp(reader, job))).toMatchObject({ name: 'SnoozeError' });
        await later(job.jobId, seconds(66));
        expect(await errorOf(otp(reader, job))).toMatchObject(unknown);
        expect(mailsTo(reader)).toHaveLength(mails);
        const { rows } = await world.database.pool.query(
          `select message from notification_queue where notification_type = 'alert:task_failed' and message like '%ask for another%'`,
        );
        expect(rows.length).toBeGreaterThan(0);
      },
    );

    test('a worker that stops before the dot hands the job back, and the next one sends it', async () => {
      primary.faults({ stage: 'rcpt', kind: 'slow', ms: 3_000, times: 1 });
      const reader = someone();
      const stop = new AbortController();
      const run = errorOf(otp(reader, { jobId: 'stopped', signal: stop.signal }));
      await expect.poll(() => primary.heard().some(({ line }) => line.includes(reader))).toBe(true);
      stop.abort(new Error('the worker stops'));
      expect(await run).toBeDefined();
      expect(await otp(reader, { jobId: 'stopped' })).toEqual({ sent: 1, expired: 0 });
      expect(mailsTo(reader)).toHaveLength(1);
    });

    test('a worker that stops after the dot leaves it in hand: it is not sent again', async () => {
      primary.faults({ stage: 'message', kind: 'slow', ms: 3_000, times: 1 });
      const reader = someone();
      const stop = new AbortController();
      const run = errorOf(otp(reader, { jobId: 'stopped-late', signal: stop.signal }));
      await expect.poll(() => mailsTo(reader).length).toBe(1);
      stop.abort(new Error('the worker stops'));
      expect(await run).toBeDefined();
      expect(await errorOf(otp(reader, { jobId: 'stopped-late' }))).toMatchObject({ name: 'SnoozeError' });
      await later('stopped-late', seconds(66));
      expect(await errorOf(otp(reader, { jobId: 'stopped-late' }))).toMatchObject({ code: 'mail_outcome_unknown' });
      expect(mailsTo(reader)).toHaveLength(1);
    });

    test.each([421, 450, 451, 452, 454])(
      'refused for now with %i it is sent by the next attempt, under the same Message-ID',
      async (code) => {
        primary.faults({ stage: 'message', kind: 'answer', code, times: 1 });
        const reader = someone();
        const job = { jobId: `again-${code}` };
        expect(await errorOf(otp(reader, job))).toMatchObject({ name: 'TransientError', code: 'mail_unavailable' });
        expect(await otp(reader, { ...job, attempt: 2 })).toEqual({ sent: 1, expired: 0 });
        expect(mailsTo(reader).map(({ headers }) => headers.get('message-id'))).toEqual([
          `<again-${code}@cybervpn.test>`,
        ]);
      },
    );

    test('a server that is away is passed over from the second attempt on', async () => {
      primary.faults({ stage: 'greeting', kind: 'answer', code: 421 });
      const reader = someone();
      expect(await errorOf(otp(reader, { jobId: 'away' }))).toMatchObject({ code: 'mail_unavailable' });
      expect(await otp(reader, { jobId: 'away', attempt: 2 })).toEqual({ sent: 1, expired: 0 });
      expect(second.mails().at(-1)!.to).toEqual([reader]);
    });

    test('a run ends only after Redis knows that the message was not taken, so that the next one sends it', async () => {
      const reader = someone();
      primary.faults(
        { stage: 'data', kind: 'slow', ms: 400 },
        { stage: 'message', kind: 'answer', code: 451, times: 1 },
      );
      const run = errorOf(otp(reader, { jobId: 'word-late' }));
      await expect.poll(() => primary.heard().some(({ line }) => line.includes(reader))).toBe(true);
      const before = await refusalsOf(world.redis);
      await world.redis.client.call('ACL', 'SETUSER', 'default', '-eval');
      await until('it was said in vain, twice', async () => (await refusalsOf(world.redis)) >= before + 2);
      await world.redis.client.call('ACL', 'SETUSER', 'default', '+eval');
      expect(await run).toMatchObject({ code: 'mail_unavailable' });
      expect(await otp(reader, { jobId: 'word-late', attempt: 2 })).toEqual({ sent: 1, expired: 0 });
    });

    test('with Redis away a message is not handed over, since nobody could know of it', async () => {
      const reader = someone();
      primary.faults({ stage: 'data', kind: 'slow', ms: 400 });
      const run = errorOf(otp(reader, { jobId: 'no-redis' }));
      await expect.poll(() => primary.heard().some(({ line }) => line.includes(reader))).toBe(true);
      await world.redis.client.call('ACL', 'SETUSER', 'default', '-set');
      try {
        expect(await run).toMatchObject({ message: expect.stringMatching(/NOPERM/) });
      } finally {
        await world.redis.client.call('ACL', 'SETUSER', 'default', '+set');
      }
      expect(mailsTo(reader)).toEqual([]);
      expect(await otp(reader, { jobId: 'no-redis' })).toEqual({ sent: 1, expired: 0 });
    });
  });

  test.each([
    ['ivan@пример.рф', 'ivan@xn--e1afmkfd.xn--p1ai'],
    ['r&d+vpn@example.com', 'r&d+vpn@example.com'],
    ["o'brien@example.com", "o'brien@example.com"],
    ['иван@example.com', 'иван@example.com'],
  ])('%s, which the backend takes, gets its code', async (email, wire) => {
    expect(await world.run('send_otp_email', { email, otp_code: '5' })).toEqual({ sent: 1, expired: 0 });
    expect(primary.heard().map(({ line }) => line)).toContain(`RCPT TO:<${wire}>`);
  });

  test.each(MAILS.map(([task, payload]) => [task, payload] as const))(
    '%s refuses what is no address, by its field',
    async (task, payload) => {
      const hostile = { ...payload, email: 'a@b.test\r\nBcc: eve@b.test' };
      await expect(world.run(task, hostile)).rejects.toMatchObject({ issues: [{ path: 'email' }] });
    },
  );
});
