import type { AlertWebhook, PostedAlert } from '../../clients/alert-webhook.ts';
import type { Mailer } from '../../clients/mail/mailer.ts';
import { hours, seconds } from '../../lib/duration.ts';
import { errorCode, PermanentError } from '../../lib/errors.ts';
import type { Locale } from '../../lib/locale.ts';
import { plainText } from '../../lib/telegram-html.ts';
import { alertEmail } from '../../messages/alert-email.ts';
import type { Log } from '../../observability/log.ts';
import type { ActiveAlert } from '../../repositories/redis/alerts/alert-state-store.ts';
import type { SecondWayEntry, SecondWayStore } from '../../repositories/redis/alerts/second-way-store.ts';

export type SecondWayOptions = {
  store: SecondWayStore;
  mailer: Mailer;
  emails: readonly string[];
  webhook: AlertWebhook | undefined;
  locale: Locale;
  /** The page of the alerts. */
  url: string | undefined;
  clock(): Date;
  log: Log;
};

/** One address that alerts go to. */
type Road = {
  name: string;
  send(alert: PostedAlert, about: { attempt: number; now: Date }, signal: AbortSignal): Promise<void>;
};

/** One try ends after this. */
const TRY_LIMIT_MS = seconds(40);
/** A caller holds an entry for longer than its tries can take. */
const HELD_MS = seconds(60);
const PAUSE_MS = { first: seconds(30), atMost: hours(1) };
/** An alert that could not be told for so long is told by nobody any more. */
const GIVEN_UP_MS = hours(24);
/** The mailer's word for a message that the server may have taken: two mails are worse than one. */
const MAY_HAVE_ARRIVED = 'mail_outcome_unknown';

/**
 * Tells critical alerts past Telegram: by e-mail and by webhook, where these are configured. Each request stands in Redis until each
 * address has it, and is tried again with growing pauses for a day. Nobody waits for it.
 */
export class SecondWay {
  readonly #options: SecondWayOptions;
  readonly #roads: readonly Road[];

  constructor(options: SecondWayOptions) {
    this.#options = options;
    const { emails, locale, mailer, webhook } = options;
    const handover = { take: async () => undefined, giveBack: async () => undefined, settle: async () => undefined };
    const byMail = (to: string): Road => ({
      name: `mail:${to}`,
      async send(alert, { attempt }, signal) {
        const id = `${alert.id}:${alert.since.toISOString()}:${alert.phase}:${to}`;
        const sent = { isResend: false, id, attempt, signal, handover, tried: () => undefined };
        await mailer.send({ to, ...alertEmail(alert, locale) }, sent);
      },
    });
    this.#roads = [...emails.map(byMail), ...(webhook ? [{ name: 'webhook', send: posting(webhook) }] : [])];
  }

  get isThere(): boolean {
    return this.#roads.length > 0;
  }

  /** Asks for it once. Throws while Redis is away. */
  async ask(alert: ActiveAlert, phase: 'began' | 'ended', text: string, now: Date): Promise<void> {
    const { id, severity, since, subject } = alert;
    await this.#options.store.ask({ alert: id, phase, severity, subject, since, text, askedAt: now });
  }

  /** Takes a beginning back that has not arrived everywhere: somebody takes care of it, or it is over. */
  async withdraw(alert: Pick<ActiveAlert, 'id' | 'since'>): Promise<void> {
    if (this.isThere) await this.#options.store.remove({ alert: alert.id, since: alert.since, phase: 'began' });
  }

  /** Tells what is due. `arrived` hears of the first address that a beginning comes to. Never throws but where Redis is away. */
  async deliver(
    now: Date,
    signal: AbortSignal,
    arrived: (entry: SecondWayEntry) => Promise<void>,
  ): Promise<{ told: number; put_off: number }> {
    if (!this.isThere) return { told: 0, put_off: 0 };
    const taken = await this.#options.store.take(now, HELD_MS);
    const left = await Promise.all(taken.map((entry) => this.#deliver(entry, now, signal, arrived)));
    const later = left.filter((isLeft) => isLeft).length;
    return { told: taken.length - later, put_off: later };
  }

  /** Tells this at once, past Redis. False where it came to nobody. Never throws. */
  async tellNow(text: string): Promise<boolean> {
    const now = this.#options.clock();
    const alert = { id: 'alert', phase: 'began', severity: 'critical', subject: '', since: now } as const;
    const posted = { ...alert, text: plainText(text), url: this.#options.url };
    const tries = this.#roads.map((road) =>
      this.#try(road, posted, { attempt: 1, now }, AbortSignal.timeout(TRY_LIMIT_MS)),
    );
    return (await Promise.all(tries)).includes('arrived');
  }

  /** Answers whether some address is still to be tried. */
  async #deliver(
    entry: SecondWayEntry,
    now: Date,
    signal: AbortSignal,
    arrived: (entry: SecondWayEntry) => Promise<void>,
  ): Promise<boolean> {
    const { log, store, url } = this.#options;
    const { alert: id, phase, severity, since, subject, text } = entry;
    const posted = { id, phase, severity, subject, since, text: plainText(text), url };
    const waiting = this.#roads.filter(({ name }) => !entry.settled.includes(name));
    const about = { attempt: entry.tries + 1, now };
    const outcomes = await Promise.all(
      waiting.map(async (road) => {
        const limited = AbortSignal.any([signal, AbortSignal.timeout(TRY_LIMIT_MS)]);
        return { name: road.name, outcome: await this.#try(road, posted, about, limited) };
      }),
    );
    if (outcomes.some(({ outcome }) => outcome === 'arrived'))
      await arrived(entry).catch((err: unknown) =>
        log.warn({ err }, 'told by the second way, and Telegram may tell it too'),
      );
    const settled = [
      ...entry.settled,
      ...outcomes.filter(({ outcome }) => outcome !== 'later').map(({ name }) => name),
    ];
    const isLeft = this.#roads.some(({ name }) => !settled.includes(name));
    const isTooOld = now.getTime() - entry.askedAt.getTime() >= GIVEN_UP_MS;
    if (isLeft && isTooOld)
      log.error({ alert: id, tries: entry.tries }, 'alert was not told by the second way for a day');
    if (!isLeft || isTooOld) await store.remove(entry);
    else {
      const pauseMs = Math.min(PAUSE_MS.first * 2 ** entry.tries, PAUSE_MS.atMost);
      await store.putBack(entry, {
        ...entry,
        settled,
        tries: entry.tries + 1,
        nextAt: new Date(now.getTime() + pauseMs),
      });
    }
    return isLeft && !isTooOld;
  }

  async #try(
    road: Road,
    alert: PostedAlert,
    about: { attempt: number; now: Date },
    signal: AbortSignal,
  ): Promise<'arrived' | 'refused' | 'later'> {
    try {
      await road.send(alert, about, signal);
      return 'arrived';
    } catch (err) {
      if (errorCode(err) === MAY_HAVE_ARRIVED) return 'arrived';
      const isFinal = err instanceof PermanentError;
      this.#options.log[isFinal ? 'error' : 'warn'](
        { err, alert: alert.id, road: road.name },
        'alert not told by the second way',
      );
      return isFinal ? 'refused' : 'later';
    }
  }
}

const posting =
  (webhook: AlertWebhook): Road['send'] =>
  (alert, { now }, signal) =>
    webhook.post(alert, now, signal);
