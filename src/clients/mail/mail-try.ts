import { BreakerOpenError, PermanentError, TransientError } from '../../lib/errors.ts';
import { SmtpFailure } from './smtp-failure.ts';

/** Whose server it is, as the platform's dashboards ask for it. */
export type MailProvider = 'brevo' | 'resend' | 'smtp';

/** Why a try failed, in the words of the platform's dashboards. */
export type MailFailure = 'api_error' | 'network_error' | 'timeout' | 'unknown';

/** One server's try at one message. */
export type MailTry = {
  readonly provider: MailProvider;
  readonly seconds: number;
  /** Undefined where the server took the message. */
  readonly failure: MailFailure | undefined;
};

/** The code of the error where a message was no longer worth sending before the server took it. */
export const TOO_LATE = 'mail_too_late';

/** Host names end so; any other server is `smtp`. Brevo was Sendinblue until 2023, and its old addresses still work. */
const PROVIDERS: readonly (readonly [RegExp, MailProvider])[] = [
  [/(?:^|\.)resend\.com$/i, 'resend'],
  [/(?:^|\.)(?:brevo|sendinblue)\.com$/i, 'brevo'],
];

export const providerOf = (host: string): MailProvider => PROVIDERS.find(([end]) => end.test(host))?.[1] ?? 'smtp';

/** Undefined where nothing was decided about the message: it waits for its turn, another run has it, or the worker stops. */
export function failureOf(error: unknown): MailFailure | undefined {
  if (!(error instanceof PermanentError || error instanceof TransientError)) return undefined;
  if (error instanceof BreakerOpenError) return 'network_error';
  if (error.code === TOO_LATE || /_timeout$/.test(error.code)) return 'timeout';
  const { cause } = error;
  if (!(cause instanceof SmtpFailure)) return 'unknown';
  if (cause.reply) return 'api_error';
  return cause.isTimeout ? 'timeout' : 'network_error';
}
