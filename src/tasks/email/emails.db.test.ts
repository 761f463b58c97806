import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type SmtpSandbox, startSmtpSandbox } from '../../../sandbox/smtp/server.ts';
import { minutes } from '../../lib/duration.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

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
  beforeEach(() => primary.refuse(undefined));

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
      const payload = { email: `${task}@b.test`, token: 't', otp_code: '1', is_resend: true };
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
});
