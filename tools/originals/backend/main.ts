/**
 * `node tools/originals/backend/main.ts <work folder>`: records anew what the backend writes and sends, from the platform that
 * `tools/originals/main.ts` has started.
 */
import { randomUUID } from 'node:crypto';
import { OpenLab, readLab } from '../lab.ts';
import { writeRecord } from '../recording.ts';
import { send } from './customer.ts';
import { recordPaymentEffects } from './payment-effects.ts';
import { recordPaymentRows } from './payment-rows.ts';
import { tablesOf } from './tables.ts';

const HOW =
  'Python 3.13, packages of its uv.lock, alembic upgrade heads and its own catalogue of plans in an empty PostgreSQL 15, Redis 7.0, python -m src.serve with ENVIRONMENT=development, a sandbox of Crypto Pay; by its HTTP API. Ids and times are replaced.';

const [work] = process.argv.slice(2);
if (!work) {
  console.error('usage: node tools/originals/backend/main.ts <work folder of tools/originals/main.ts>');
  process.exit(64);
}
await using open = new OpenLab(await readLab(work));
const { lab, pool, redis } = open;

await writeRecord(
  'taskiq/backend-entries.json',
  {
    ...{ what: 'backend, its entries in the stream', how: HOW },
    notes: ['A code that is asked for again is the same code, with is_resend. labels_types is absent.'],
  },
  { entries: await recordMails() },
);
const backend = { url: lab.backendUrl, pool, cryptobotToken: lab.cryptobotToken };
const { purchases, queued } = await recordPaymentRows(backend);
await writeRecord(
  'backend/payments.json',
  {
    what: 'backend, rows of payments',
    how: HOW,
    notes: [
      'An order whose wallet paid everything cannot be paid: the attempt is refused. The zero gateway is reached by an upgrade.',
    ],
  },
  { purchases },
);
const effects = await recordPaymentEffects({
  ...{ ...backend, redis, botSecret: lab.env.backend.TELEGRAM_BOT_INTERNAL_SECRET! },
});
await writeRecord(
  'backend/effects.json',
  {
    what: 'backend, what payments leave behind for partners, referrers and promo codes, and refunds',
    how: HOW,
    notes: [
      'By SQL, since no route does it: the role of the first administrator, rewards for referrals switched on, Telegram ids, the balance of a wallet, the half an hour after which the place of a promo code runs out, a mark of Redis that is lost.',
      'Told twice at once: another transaction holds the payment until both requests have read it.',
    ],
  },
  { purchases: effects.purchases },
);
await writeRecord(
  'backend/notification-rows.json',
  { what: 'backend, rows of notification_queue', how: HOW },
  { rows: [...queued, ...effects.queued] },
);
await writeRecord('backend/tables.json', { what: 'backend, its tables', how: HOW }, { tables: await tablesOf(pool) });

/** Everything that makes the backend send an e-mail. Returns the fields of the entries, with made-up codes and tokens. */
async function recordMails(): Promise<string[][]> {
  const name = `anna_${randomUUID().slice(0, 8)}`;
  const email = `${name}@example.com`;
  const last = (await redis.xrevrange('taskiq', '+', '-', 'COUNT', 1))[0]?.[0] ?? '0';
  const post = (path: string, body: object) => send(lab.backendUrl, `/api/v1/auth/${path}`, { body });
  const ours = async () => {
    const all = (await redis.xrange('taskiq', `(${last}`, '+')).map(([, fields]) => fields);
    return all.filter(([, data]) => data!.includes(email));
  };
  await post('register', { login: name, email, password: 'Str0ng!Passw0rd', locale: 'ru-RU', tos_accepted: true });
  await post('resend-otp', { email, locale: 'ru-RU' });
  await post('magic-link', { email, locale: 'en-EN' });
  const code = JSON.parse((await ours())[0]![1]!).kwargs.otp_code as string;
  await post('verify-otp', { email, code });
  await post('forgot-password', { email, locale: 'ru-RU' });
  return (await ours()).map((fields) =>
    fields.map((field) =>
      field
        .replaceAll(email, 'anna@example.com')
        .replaceAll(code, '123456')
        .replace(/("token": ")[^"]+/, '$1a-token-of-64-characters')
        .replace(/("otp_code": ")(?!123456)\d+/, '$1654321'),
    ),
  );
}
