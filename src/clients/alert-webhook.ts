import { createHmac } from 'node:crypto';
import { PermanentError, TransientError } from '../lib/errors.ts';
import type { ClientPolicy } from './policy.ts';

export type AlertWebhookFormat = 'own' | 'slack' | 'ntfy';

/** An alert as it is posted. */
export type PostedAlert = {
  id: string;
  phase: 'began' | 'ended';
  severity: 'critical' | 'warning';
  subject: string;
  since: Date;
  /** Without markup. */
  text: string;
  /** Its page. */
  url: string | undefined;
};

export type AlertWebhookOptions = {
  url: string;
  /** Signs each body. */
  secret: string | undefined;
  format: AlertWebhookFormat;
  policy: ClientPolicy;
};

const SIGNATURE_HEADER = 'x-cybervpn-signature';
/** Slack takes 40,000 characters, ntfy 4,096 bytes as a message; more becomes an attachment there. */
const TEXT_CHARACTERS = { own: 8_000, slack: 8_000, ntfy: 1_300 } as const;

/**
 * Posts alerts to one address of the operator's. Redirects are not followed: a signed alert goes where it was sent, or nowhere. The answer is
 * its status; its body is not read. Rejects with `TransientError` where it is to be tried again, `PermanentError` where that is in vain.
 */
export class AlertWebhook {
  readonly #options: AlertWebhookOptions;

  constructor(options: AlertWebhookOptions) {
    this.#options = options;
  }

  /** Whether its server answers, with any status; nothing is posted. Rejects as `post` does. */
  async probe(signal: AbortSignal): Promise<void> {
    const { policy, url } = this.#options;
    await policy.call({ endpoint: 'probe', method: 'HEAD', signal, idempotent: true }, async (limited) => {
      const answer = await this.#fetch(url, { method: 'HEAD', signal: limited });
      await answer.body?.cancel();
    });
  }

  async post(alert: PostedAlert, now: Date, signal: AbortSignal): Promise<void> {
    const { format, policy, secret, url } = this.#options;
    const { body, headers } = BODIES[format]({ ...alert, text: cut(alert.text, TEXT_CHARACTERS[format]) });
    const signed = secret === undefined ? {} : { [SIGNATURE_HEADER]: signatureOf(body, secret, now) };
    await policy.call({ endpoint: 'alert', method: 'POST', signal }, async (limited) => {
      const sent = { method: 'POST', body, headers: { ...headers, ...signed }, signal: limited };
      const answer = await this.#fetch(url, sent);
      await answer.body?.cancel();
      if (answer.ok) return;
      const what = `ALERT_WEBHOOK_URL answered ${answer.status}`;
      const isFinal = answer.status >= 300 && answer.status < 500 && answer.status !== 408 && answer.status !== 429;
      if (isFinal) throw new PermanentError('alert_webhook_refused', what);
      throw new TransientError('alert_webhook_unavailable', what);
    });
  }

  async #fetch(url: string, request: RequestInit): Promise<Response> {
    return await fetch(url, { ...request, redirect: 'manual' }).catch((cause: unknown) => {
      throw new TransientError('alert_webhook_unavailable', 'ALERT_WEBHOOK_URL does not answer', { cause });
    });
  }
}

/** `t=<seconds since 1970>,v1=<hex>`: the HMAC-SHA256 of `<seconds>.<body>`, so that an old body cannot be sent again as a new one. */
function signatureOf(body: string, secret: string, now: Date): string {
  const t = Math.floor(now.getTime() / 1000);
  return `t=${t},v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}`;
}

type Body = { body: string; headers: Readonly<Record<string, string>> };

const JSON_HEADERS = { 'content-type': 'application/json' };

const BODIES: Readonly<Record<AlertWebhookFormat, (alert: PostedAlert) => Body>> = {
  own({ id, phase, severity, since, subject, text, url }) {
    const alert = { version: 1, id, phase, severity, subject, since: since.toISOString(), text, ...(url && { url }) };
    return { body: JSON.stringify(alert), headers: JSON_HEADERS };
  },
  slack({ text, url }) {
    const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    return { body: JSON.stringify({ text: url ? `${escaped}\n<${url}>` : escaped }), headers: JSON_HEADERS };
  },
  ntfy({ phase, severity, text, url }) {
    const isBad = phase === 'began' && severity === 'critical';
    const headers = {
      'content-type': 'text/plain; charset=utf-8',
      title: phase === 'ended' ? 'RESOLVED' : severity.toUpperCase(),
      priority: isBad ? 'urgent' : 'default',
      tags: isBad ? 'rotating_light' : 'white_check_mark',
      ...(url && { click: url }),
    };
    return { body: text, headers };
  },
};

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
