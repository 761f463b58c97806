import { expect, test } from 'vitest';
import { BreakerOpenError, PermanentError, SnoozeError, TransientError } from '../../lib/errors.ts';
import { failureOf, providerOf } from './mail-try.ts';
import { SmtpFailure } from './smtp-failure.ts';

test.each([
  ['smtp.resend.com', 'resend'],
  ['SMTP.Resend.com', 'resend'],
  ['smtp-relay.brevo.com', 'brevo'],
  ['smtp-relay.sendinblue.com', 'brevo'],
  ['mailpit', 'smtp'],
  ['notresend.com', 'smtp'],
  ['resend.com.evil.example', 'smtp'],
])('a server named %s is %s', (host, provider) => {
  expect(providerOf(host)).toBe(provider);
});

const decision = (cause: object): PermanentError | TransientError =>
  new SmtpFailure('MAIL', Object.assign(new Error('it'), cause)).decision('SMTP_URL');

test.each([
  ['the server refused', decision({ response: '550 5.1.1 no' }), 'api_error'],
  ['refused for now', decision({ response: '451 later' }), 'api_error'],
  ['no answer in time', decision({ code: 'ETIMEDOUT' }), 'timeout'],
  ['the call was given up', new TransientError('smtp_timeout', 'it'), 'timeout'],
  ['the code was over first', new PermanentError('mail_too_late', 'it'), 'timeout'],
  ['cut', decision({ code: 'ECONNRESET' }), 'network_error'],
  ['the breaker is open', new BreakerOpenError('smtp'), 'network_error'],
  ['settings', new PermanentError('mail_not_configured', 'it'), 'unknown'],
  ['waits for its turn', new SnoozeError('it', { delayMs: 1 }), undefined],
  ['another run has the job', new Error('lost'), undefined],
])('%s: %s is counted as %s', (_, error, failure) => {
  expect(failureOf(error)).toBe(failure);
});
