import type { MailTry } from '../clients/mail/mail-try.ts';
import { BoundedLabel } from './bounded-label.ts';
import type { MadeSeries } from './series.ts';

/** More channels than the backend has, and more locales than there are translations of the platform (39). */
const CHANNELS_AT_MOST = 16;
const LOCALES_AT_MOST = 64;

/** A message as the platform's rules and dashboards tell messages apart. */
export type EmailFacts = {
  readonly type: 'magic_link' | 'otp' | 'password_reset';
  /** Both as the backend sent them. */
  readonly channel: string;
  readonly locale: string;
  /** The reader has asked for it again. */
  readonly isResend: boolean;
};

/**
 * What the Python worker counts of e-mails, under its names, labels and values: the platform's rules and dashboards read them. Nothing is
 * shown before it has happened, as there: `AuthEmailDeliveryDegraded` of the platform takes a series that stands at 0 for a failure.
 */
export class EmailMetrics {
  readonly #series: MadeSeries;
  readonly #channels = new BoundedLabel(CHANNELS_AT_MOST);
  readonly #locales = new BoundedLabel(LOCALES_AT_MOST);

  constructor(series: MadeSeries) {
    this.#series = series;
    series.otpFailed.inc({ reason: 'expired' }, 0);
  }

  tried({ isResend, type, ...context }: EmailFacts, { failure, provider, seconds }: MailTry): void {
    const { emailErrors, emails, emailsInContext, emailSeconds, emailSecondsInContext } = this.#series;
    const about = { provider, email_type: type };
    const inContext = { channel: this.#channels.of(context.channel), ...about, locale: this.#locale(context.locale) };
    const status = failure ? 'failed' : 'success';
    emails.inc({ ...about, status });
    emailsInContext.inc({ ...inContext, status });
    emailSeconds.observe(about, seconds);
    emailSecondsInContext.observe(inContext, seconds);
    if (failure) emailErrors.inc({ provider, error_type: failure });
    if (type !== 'otp') return;
    const { otpEmailErrors, otpEmails } = this.#series;
    otpEmails.inc({ provider, action: isResend ? 'resend' : 'initial', status });
    if (failure) otpEmailErrors.inc({ provider, error_type: failure });
  }

  /** A code was no longer valid before any server took it. */
  expired({ type }: EmailFacts): void {
    if (type === 'otp') this.#series.otpFailed.inc({ reason: 'expired' });
  }

  #locale(locale: string): string {
    const trimmed = locale.trim();
    return trimmed === '' ? 'unknown' : this.#locales.of(trimmed);
  }
}
