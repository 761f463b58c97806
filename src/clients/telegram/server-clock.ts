import { TransientError } from '../../lib/errors.ts';

/** What time a Bot API server has, to the second; it tells everybody, without a token. Rejects with `TransientError` where it does not. */
export async function serverClock(apiRoot: string, signal: AbortSignal): Promise<Date> {
  const { headers } = await fetch(apiRoot, { method: 'HEAD', redirect: 'manual', signal }).catch((cause: Error) => {
    const reason = cause.cause instanceof Error ? cause.cause.message : cause.message;
    throw new TransientError('telegram_unavailable', `telegram: no answer: ${reason}`, { cause });
  });
  const date = new Date(headers.get('date') ?? Number.NaN);
  if (Number.isNaN(date.getTime())) throw new TransientError('telegram_no_date', 'telegram: the answer has no Date');
  return date;
}
