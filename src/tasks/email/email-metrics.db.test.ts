import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SmtpSandbox, startSmtpSandbox } from '../../../sandbox/smtp/server.ts';
import { minutes } from '../../lib/duration.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

/** What the platform's dashboards read, sorted, without buckets and sums: their values differ from run to run. */
async function mailSeries(world: TestApp): Promise<string[]> {
  const lines = (await world.app.metrics.registry.metrics()).split('\n');
  return lines.filter((line) => /^cybervpn_(email|otp)_\w+(?<!_bucket|_sum)\{/.test(line)).toSorted(byText);
}

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

const series = (name: string, labels: Record<string, string>, value: number): string =>
  `${name}{${Object.entries(labels)
    .map(([label, one]) => `${label}="${one}"`)
    .join(',')}} ${value}`;

describe('e-mails are counted as the Python worker counts them', () => {
  let world: TestApp;
  let primary: SmtpSandbox;
  let second: SmtpSandbox;
  beforeAll(async () => {
    [primary, second] = await Promise.all([startSmtpSandbox(), startSmtpSandbox()]);
    world = await testApp({
      SMTP_URL: primary.url,
      SMTP_URL_RESEND: second.url,
      EMAIL_FROM: 'no-reply@vpn.test',
      MAGIC_LINK_BASE_URL: 'https://app.vpn.test/magic',
    });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await Promise.all([primary[Symbol.asyncDispose](), second[Symbol.asyncDispose]()]);
  });

  test('nothing is shown before the first e-mail but the codes that expired', async () => {
    expect(await mailSeries(world)).toEqual(['cybervpn_otp_failed_total{reason="expired"} 0']);
  });

  test('each try with its server, type, channel, locale and status; the address and the code nowhere', async () => {
    const code = { email: 'reader@b.test', otp_code: '90210907' };
    await world.run('send_otp_email', { ...code, locale: 'ru-RU', channel: 'mobile' });
    await world.run('send_otp_email', { ...code, locale: ' ', is_resend: true });
    await world.run('send_magic_link_email', { email: code.email, token: 't', channel: 'mobile' });
    await world.run('send_password_reset_email', code);
    primary.refuse(550);
    await expect(world.run('send_otp_email', code)).rejects.toThrow('550');
    primary.faults();
    const now = new Date();
    const enqueuedAt = new Date(now.getTime() - minutes(11));
    await world.run('send_otp_email', code, { now, enqueuedAt });
    await world.run('send_password_reset_email', code, { now, enqueuedAt });

    const of = (email_type: string, channel = 'web', locale = 'en-EN') => ({
      channel,
      provider: 'smtp',
      email_type,
      locale,
    });
    const contexts: [Record<string, string>, string][] = [
      [of('otp', 'mobile', 'ru-RU'), 'success'],
      [of('otp', 'web', 'unknown'), 'success'],
      [of('otp'), 'failed'],
      [of('magic_link', 'mobile'), 'success'],
      [of('password_reset'), 'success'],
    ];
    const smtp = { provider: 'smtp' };
    expect(await mailSeries(world)).toEqual(
      [
        ...contexts.map(([about, status]) => series('cybervpn_email_send_context_total', { ...about, status }, 1)),
        ...contexts.map(([about]) => series('cybervpn_email_send_context_duration_seconds_count', about, 1)),
        series('cybervpn_email_send_total', { ...smtp, email_type: 'otp', status: 'success' }, 2),
        series('cybervpn_email_send_total', { ...smtp, email_type: 'otp', status: 'failed' }, 1),
        series('cybervpn_email_send_total', { ...smtp, email_type: 'magic_link', status: 'success' }, 1),
        series('cybervpn_email_send_total', { ...smtp, email_type: 'password_reset', status: 'success' }, 1),
        series('cybervpn_email_send_duration_seconds_count', { ...smtp, email_type: 'otp' }, 3),
        series('cybervpn_email_send_duration_seconds_count', { ...smtp, email_type: 'magic_link' }, 1),
        series('cybervpn_email_send_duration_seconds_count', { ...smtp, email_type: 'password_reset' }, 1),
        series('cybervpn_email_send_errors_total', { ...smtp, error_type: 'api_error' }, 1),
        series('cybervpn_otp_emails_sent_total', { ...smtp, action: 'initial', status: 'success' }, 1),
        series('cybervpn_otp_emails_sent_total', { ...smtp, action: 'resend', status: 'success' }, 1),
        series('cybervpn_otp_emails_sent_total', { ...smtp, action: 'initial', status: 'failed' }, 1),
        series('cybervpn_otp_email_errors_total', { ...smtp, error_type: 'api_error' }, 1),
        series('cybervpn_otp_failed_total', { reason: 'expired' }, 1),
      ].toSorted(byText),
    );
    expect(await world.app.metrics.registry.metrics()).not.toMatch(/90210907|reader@/);
  });

  test('a server that cannot be used and the one that then takes the message: a try of each', async () => {
    primary.faults({ stage: 'greeting', kind: 'answer', code: 421 });
    const about = { email: 'x@b.test', otp_code: '1', channel: 'spare' };
    expect(await world.run('send_otp_email', about, { attempt: 2 })).toEqual({ sent: 1, expired: 0 });
    primary.faults();
    const lines = (await mailSeries(world)).filter((line) => /_context_total.*channel="spare"/.test(line));
    expect(lines.map((line) => /status="(\w+)"} (\d)/.exec(line)!.slice(1))).toEqual([
      ['failed', '1'],
      ['success', '1'],
    ]);
  });

  test('locales and channels that anybody makes up stay few', async () => {
    const { emails } = world.app.metrics;
    const facts = { type: 'otp', isResend: false } as const;
    for (let n = 0; n < 500; n += 1)
      emails.tried(
        { ...facts, channel: `c${n}`, locale: `l${n}` },
        { provider: 'smtp', seconds: 0.2, failure: undefined },
      );
    const lines = (await mailSeries(world)).filter((line) => line.startsWith('cybervpn_email_send_context_total'));
    expect(lines.length).toBeLessThan(90);
    expect(lines.join()).toContain('channel="other",provider="smtp",email_type="otp",locale="other"');
  });
});

test('without a mail server each try is a failure of settings, and a worker that stops has failed at nothing', async () => {
  await using bare = await testApp();
  await expect(bare.run('send_otp_email', { email: 'a@b.test', otp_code: '5' })).rejects.toThrow(/SMTP_URL/);
  expect((await mailSeries(bare)).filter((line) => /errors_total/.test(line))).toEqual([
    'cybervpn_email_send_errors_total{provider="smtp",error_type="unknown"} 1',
    'cybervpn_otp_email_errors_total{provider="smtp",error_type="unknown"} 1',
  ]);

  await using server = await startSmtpSandbox();
  await using stopped = await testApp({ SMTP_URL: server.url, EMAIL_FROM: 'no-reply@vpn.test' });
  server.faults({ stage: 'rcpt', kind: 'slow', ms: 3_000, times: 1 });
  const stop = new AbortController();
  const run = stopped.run('send_otp_email', { email: 'a@b.test', otp_code: '5' }, { signal: stop.signal });
  const ended = run.catch((error: unknown) => error);
  await expect.poll(() => server.heard().some(({ line }) => line.includes('a@b.test'))).toBe(true);
  stop.abort(new Error('the worker stops'));
  expect(await ended).toBeInstanceOf(Error);
  expect(await mailSeries(stopped)).toEqual(['cybervpn_otp_failed_total{reason="expired"} 0']);
});
