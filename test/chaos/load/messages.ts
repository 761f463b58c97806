import { randomUUID } from 'node:crypto';
import { now } from '../timeline.ts';
import { keyOf } from './asked.ts';
import { every, insist, type LoadContext, once } from './load.ts';

const TYPES = ['info', 'info', 'info', 'payment_notice', 'broadcast'] as const;
/** The first chat of the rows. Every hundredth chat has blocked the bot. */
const FIRST_CHAT = 10_000_000;
const BLOCKED_EVERY = 100;
const INSERT_EVERY_MS = 500;

/** Rows that nobody can send: they fail, and hold up no other. */
const ODD_TEXTS = ['', ' \n '] as const;
const ODD_CHAT = 80_000_000;
const ODD_EVERY = 10;

/** Adds rows of `notification_queue` as the backend does. The text of each is its id, and of some nothing that can be sent. */
export async function notifications({ asked, random, signal, stage }: LoadContext, perSecond: number): Promise<void> {
  let chat = FIRST_CHAT;
  const perInsert = Math.max(1, Math.round((perSecond * INSERT_EVERY_MS) / 1000));
  await every(INSERT_EVERY_MS, signal, async (turn) => {
    const rows = Array.from({ length: perInsert }, () => {
      chat += 1;
      const id: string = randomUUID();
      return { id, chat, text: id, type: random.pick(TYPES), refused: chat % BLOCKED_EVERY === 0 };
    });
    if (turn % ODD_EVERY === 0) {
      asked.beside['rows that nobody can send'] += 1;
      const text = ODD_TEXTS[(turn / ODD_EVERY) % ODD_TEXTS.length]!;
      rows.push({ id: randomUUID(), chat: ODD_CHAT + turn, text, type: 'info', refused: true });
    }
    for (const row of rows)
      if (row.chat % BLOCKED_EVERY === 0) stage.world.telegram.setChat(row.chat, { state: 'blocked' });
    const atMs = now();
    await insist(() =>
      stage.world.pool.query(
        `insert into notification_queue (id, telegram_id, message, notification_type, scheduled_at)
         select id, chat, message, type, now()
           from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[]) as new(id, chat, message, type)
         on conflict (id) do nothing`,
        [
          ...[rows.map(({ id }) => id), rows.map((row) => row.chat)],
          ...[rows.map(({ text }) => text), rows.map(({ type }) => type)],
        ],
      ),
    );
    for (const { chat: to, refused, text } of rows)
      asked.messages.push({ kind: 'row', key: keyOf(to, text), atMs, ...(refused && { refused }) });
  });
}

/** Requests messages on demand and e-mails, which live in Redis until they are sent. */
export async function onDemand(context: LoadContext, everyMs: number): Promise<void> {
  const { asked, signal, stage } = context;
  await every(everyMs, signal, async (turn) => {
    const chat = 20_000_000 + turn;
    const text = `on demand ${turn}`;
    const key = keyOf(chat, text);
    const atMs = now();
    if (await once(asked, () => stage.world.dispatch('send_notification', { telegram_id: chat, message: text })))
      asked.messages.push({ kind: 'job', key, atMs });
    else asked.doubtful.add(key);
    const email = `reader${turn}@example.com`;
    const payload = { email, otp_code: '123456', locale: 'en' };
    const jobId = await once(asked, () => stage.world.dispatch('send_otp_email', payload));
    if (jobId === undefined) asked.doubtful.add(email);
    else asked.messages.push({ kind: 'mail', key: email, atMs, jobId });
  });
}

/** Requests broadcasts, whose rows one job queues. */
export async function broadcasts({ asked, signal, stage }: LoadContext): Promise<void> {
  await every(12_000, signal, async (turn) => {
    const chats = Array.from({ length: 60 }, (_, i) => 30_000_000 + turn * 1_000 + i);
    const message = `broadcast ${turn}`;
    const atMs = now();
    const task = turn % 2 === 0 ? 'broadcast_message' : 'execute_bulk_broadcast';
    const isTaken = await once(asked, () => stage.world.dispatch(task, { telegram_ids: chats, message }));
    for (const chat of chats) {
      const key = keyOf(chat, message);
      // Until the rows exist, only Redis knows of them.
      if (isTaken) asked.messages.push({ kind: 'job', key, atMs });
      else asked.doubtful.add(key);
    }
  });
}
