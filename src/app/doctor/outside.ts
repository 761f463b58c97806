import { AlertWebhook } from '../../clients/alert-webhook.ts';
import { BackendClient } from '../../clients/backend.ts';
import { Mailer } from '../../clients/mail/mailer.ts';
import { ClientPolicy } from '../../clients/policy.ts';
import { NEEDED_SCOPES } from '../../clients/remnawave/missing-scopes.ts';
import { seconds } from '../../lib/duration.ts';
import { errorCode } from '../../lib/errors.ts';
import type { Examination, Finding } from '../../triggers/examination.ts';
import type { App } from '../build-app.ts';
import { after, failed, ok, timed, warning } from './findings.ts';
import { panelEventsFinding } from './panel-events.ts';

const GROUP = 'Outside services';

/** What becomes of the bought days, by the setting. */
const BACKEND_COMPLETIONS = {
  extend: 'bought days are given where the panel shows that nobody has given them, else a person is asked',
  ask: 'a person is asked about each of them',
  leave: 'their days are left to the backend, which does not move the end of a panel user that is there',
} as const;

/** Calls each service with its token, so that a revoked token is found before a message or a payment needs it. */
export function outsideExaminations(app: App): readonly Examination[] {
  const { config, metrics, parts, redis, services } = app;
  const { panel } = services;
  const { cryptobot, telegram } = parts.foundation;
  const mailer = new Mailer({
    primaryUrl: config.SMTP_URL,
    resendUrl: config.SMTP_URL_RESEND,
    from: config.EMAIL_FROM,
    mayBeClear: config.SMTP_ALLOW_CLEARTEXT,
    observer: metrics,
  });
  const one = (name: string, advice: string, examine: (signal: AbortSignal) => Promise<Finding>): Examination => ({
    group: GROUP,
    name,
    advice,
    examine,
  });
  return [
    one(
      'Telegram',
      'check TELEGRAM_BOT_TOKEN with @BotFather, and that TELEGRAM_API_URL can be reached',
      async (signal) => {
        const { latencyMs, value } = await timed(() => telegram.getMe(signal));
        return ok(`bot @${value.username}`, latencyMs);
      },
    ),
    one(
      "Staff's bot",
      'check ADMIN_BOT_TOKEN with @BotFather: it must be of another bot than TELEGRAM_BOT_TOKEN',
      async (signal) => {
        const { staffBot } = parts.foundation;
        if (!staffBot) return ok("not configured: alerts come by the shop's bot, with links in place of buttons");
        const [shop, { latencyMs, value }] = await Promise.all([
          telegram.getMe(signal).catch(() => undefined),
          timed(() => staffBot.listener.getMe(signal)),
        ]);
        if (value.id === shop?.id)
          return failed(`@${value.username} is the shop's bot too`, 'make a second bot with @BotFather');
        const silent = await staffBot.marks.unreachable(config.ADMIN_TELEGRAM_IDS.map(({ telegramId }) => telegramId));
        if (silent.size === 0) return ok(`bot @${value.username}`, latencyMs);
        return warning(
          `bot @${value.username} cannot write to ${[...silent.keys()].join(', ')}: the shop's bot does, without buttons`,
          `they must open a chat with @${value.username} and press Start`,
        );
      },
    ),
    one('Admins', 'each admin must have written to the bot once', () =>
      after('Redis', redis.ping(), async () => {
        const silent = await services.delivery.marks.unreachable(
          config.ADMIN_TELEGRAM_IDS.map(({ telegramId }) => telegramId),
        );
        if (silent.size === 0) return ok(`${config.ADMIN_TELEGRAM_IDS.length} get alerts and reports`);
        return warning(
          `${[...silent.keys()].join(', ')} of ${config.ADMIN_TELEGRAM_IDS.length} cannot be reached by the bot`,
          'they must open a chat with the bot and unblock it; or take them out of ADMIN_TELEGRAM_IDS',
        );
      }),
    ),
    one('Remnawave', 'check REMNAWAVE_URL and REMNAWAVE_API_TOKEN; the panel must be 2.7 or 3.x', async (signal) => {
      const { latencyMs, value } = await timed(() => panel.version(signal));
      return ok(`panel ${value.version}, spoken to as ${value.generation}.x`, latencyMs);
    }),
    one(
      'Remnawave token',
      'check REMNAWAVE_API_TOKEN; it must be an API token of this panel',
      async (signal): Promise<Finding> => {
        const missing = await panel.missingScopes(signal);
        if (missing.length === 0) return ok('may do what the worker does');
        return failed(
          `the API token lacks ${missing.length === 1 ? 'the scope' : 'the scopes'} ${missing.join(', ')}`,
          `was it revoked? Else make a token in the panel (Settings, API tokens) with all of ${NEEDED_SCOPES.join(', ')}, because the scopes of a token cannot be changed, and set REMNAWAVE_API_TOKEN`,
        );
      },
    ),
    one('Panel events', 'is webhook_logs there? task-worker schema check says so', () => panelEventsFinding(app)),
    one(
      'Crypto Pay',
      'check CRYPTOBOT_TOKEN in @CryptoBot, and that it is of the network of CRYPTOBOT_API_URL',
      async (signal) => {
        const { latencyMs, value } = await timed(() => cryptobot.getMe(signal));
        return ok(`app ${value.name}`, latencyMs);
      },
    ),
    one('Payments completed by the backend', 'set COMPLETED_BY_BACKEND to extend, ask or leave', async () =>
      ok(`COMPLETED_BY_BACKEND=${config.COMPLETED_BY_BACKEND}: ${BACKEND_COMPLETIONS[config.COMPLETED_BY_BACKEND]}`),
    ),
    one('Backend', 'check BACKEND_API_URL: it is the address of the backend without any path', async (signal) => {
      const baseUrl = config.BACKEND_API_URL;
      if (baseUrl === undefined)
        return ok('not configured: payments are completed in the tables, without its commissions and wallets');
      const callMs = seconds(8);
      const policy = new ClientPolicy({ service: 'backend', observer: metrics, timeLimitMs: callMs });
      const backend = new BackendClient({ baseUrl, cryptobotToken: config.CRYPTOBOT_TOKEN, callMs, policy });
      const { latencyMs } = await timed(() => backend.probe(signal));
      return ok('its webhook route is there', latencyMs);
    }),
    one('Second way of alerts', 'check host and port in ALERT_WEBHOOK_URL', async (signal) => {
      const { ALERT_EMAILS: emails, ALERT_WEBHOOK_FORMAT: format, ALERT_WEBHOOK_SECRET: secret } = config;
      const url = config.ALERT_WEBHOOK_URL;
      const mails = emails.length > 0 ? `e-mail to ${emails.length} address(es)` : undefined;
      if (url === undefined)
        return mails
          ? ok(mails)
          : warning(
              'not configured: while Telegram is down, nobody hears of anything',
              'set ALERT_EMAILS or ALERT_WEBHOOK_URL',
            );
      const policy = new ClientPolicy({ service: 'alert_webhook', observer: metrics, timeLimitMs: seconds(8) });
      const { latencyMs } = await timed(() => new AlertWebhook({ url, secret, format, policy }).probe(signal));
      return ok(['its webhook answers; nothing was posted', ...(mails ? [mails] : [])].join(', '), latencyMs);
    }),
    ...(['primary', 'resend'] as const).map((which) =>
      one(
        which === 'primary' ? 'E-mail' : 'E-mail, repeats',
        `check host, user and password in ${which === 'primary' ? 'SMTP_URL' : 'SMTP_URL_RESEND'}`,
        async (signal) => {
          if (which === 'resend' && config.SMTP_URL_RESEND === undefined)
            return ok('not configured: repeats go by the same server');
          if (which === 'primary' && config.SMTP_URL === undefined)
            return ok('not configured: the e-mail tasks fail, and say so to their producers');
          const { latencyMs, value } = await timed(() => mailer.verify(which, signal));
          if (!value.isEncrypted && config.SMTP_ALLOW_CLEARTEXT)
            return warning(
              'answers, but does not encrypt: logins and codes go to it in clear, as SMTP_ALLOW_CLEARTEXT allows',
              'use smtps:// or a server with STARTTLS, and take SMTP_ALLOW_CLEARTEXT out',
            );
          const lacking = (['EMAIL_FROM', 'MAGIC_LINK_BASE_URL'] as const).filter((name) => config[name] === undefined);
          if (lacking.length === 0) return ok('takes our login', latencyMs);
          return warning(`takes our login, but ${lacking.join(' and ')} is not set`, `set ${lacking.join(' and ')}`);
        },
      ),
    ),
    one(
      'Traces',
      'check OTEL_EXPORTER_OTLP_ENDPOINT; without a collector traces are lost, and nothing else',
      async (signal) => {
        const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT;
        if (endpoint === undefined) return ok('not configured: off');
        try {
          const { latencyMs } = await timed(() => fetch(endpoint, { signal }));
          return ok('the collector answers', latencyMs);
        } catch (error) {
          const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
          return warning(
            `the collector does not answer (${errorCode(cause)})`,
            'check OTEL_EXPORTER_OTLP_ENDPOINT; only traces are lost',
          );
        }
      },
    ),
  ];
}
