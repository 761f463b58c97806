import { createHmac } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type LoopbackServer, serveOnLoopback } from '../../sandbox/loopback-server.ts';
import { seconds } from '../lib/duration.ts';
import { AlertWebhook, type AlertWebhookFormat, type PostedAlert } from './alert-webhook.ts';
import { ClientPolicy } from './policy.ts';

const SECRET = 'a-secret-of-sixteen';
const NOW = new Date('2026-11-20T10:00:00Z');
const ALERT: PostedAlert = {
  ...{ id: 'node_offline:a', phase: 'began', severity: 'critical', subject: 'Москва', since: NOW },
  text: 'Москва <down> & out',
  url: 'https://worker.test/alerts',
};

describe('the webhook of alerts', () => {
  let server: LoopbackServer;
  let got: { path: string; headers: Readonly<Record<string, unknown>>; body: string }[] = [];
  let answer = { status: 200, headers: {} as Record<string, string>, body: 'ok' };
  beforeAll(async () => {
    server = await serveOnLoopback(
      0,
      async (request, response) => {
        got.push({ path: request.url!, headers: request.headers, body: await text(request) });
        response.writeHead(answer.status, answer.headers).end(answer.body);
      },
      (response) => response.destroy(),
    );
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    got = [];
    answer = { status: 200, headers: {}, body: 'ok' };
  });

  const post = (format: AlertWebhookFormat = 'own', secret: string | undefined = SECRET, alert = ALERT) => {
    const observer = { called: () => undefined, breaker: () => undefined };
    const policy = new ClientPolicy({ service: 'alert_webhook', observer, timeLimitMs: seconds(5) });
    const webhook = new AlertWebhook({ url: `${server.url}/hook`, secret, format, policy });
    return webhook.post(alert, NOW, new AbortController().signal);
  };

  test('its signature covers the time and the body', async () => {
    await post();
    const [{ body, headers }] = got as [(typeof got)[number]];
    const t = NOW.getTime() / 1000;
    const signed = createHmac('sha256', SECRET).update(`${t}.${body}`).digest('hex');
    expect(headers['x-cybervpn-signature']).toBe(`t=${t},v1=${signed}`);
    const { text: told, url, ...rest } = ALERT;
    expect(JSON.parse(body)).toEqual({ version: 1, ...rest, since: NOW.toISOString(), text: told, url });
    await post('own', undefined);
    expect(got).toHaveLength(2);
  });

  test('Slack gets a text in which nothing is a tag, ntfy a text with headers in ASCII', async () => {
    await post('slack');
    expect(JSON.parse(got[0]!.body)).toEqual({ text: 'Москва &lt;down&gt; &amp; out\n<https://worker.test/alerts>' });
    await post('ntfy');
    expect(got[1]).toMatchObject({
      body: ALERT.text,
      headers: { title: 'CRITICAL', priority: 'urgent', click: ALERT.url },
    });
    await post('ntfy', SECRET, { ...ALERT, phase: 'ended', text: 'x'.repeat(100_000) });
    expect(got[2]).toMatchObject({ headers: { title: 'RESOLVED', priority: 'default' } });
    expect(Buffer.byteLength(got[2]!.body)).toBeLessThan(4_096);
  });

  test.each([
    [301, 'alert_webhook_refused'],
    [307, 'alert_webhook_refused'],
    [401, 'alert_webhook_refused'],
    [404, 'alert_webhook_refused'],
    [408, 'alert_webhook_unavailable'],
    [429, 'alert_webhook_unavailable'],
    [500, 'alert_webhook_unavailable'],
    [503, 'alert_webhook_unavailable'],
  ])('%i: %s, and a redirect is not followed', async (status, code) => {
    answer = { status, headers: { location: `${server.url}/elsewhere` }, body: 'x'.repeat(5_000_000) };
    await expect(post()).rejects.toMatchObject({ code });
    expect(got.map(({ path }) => path)).toEqual(['/hook']);
  });
});
