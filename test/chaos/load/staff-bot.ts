import { randomBytes } from 'node:crypto';
import { buttonsOf } from '../../../sandbox/telegram/keyboard.ts';
import { STAFF_BOT_TOKEN } from '../../../sandbox/telegram/server.ts';
import { days, seconds } from '../../../src/lib/duration.ts';
import { now } from '../timeline.ts';
import { type Asked, keyOf } from './asked.ts';
import { every, insist, type LoadContext } from './load.ts';

/** The one admin, as the bot of staff knows them. */
export const ADMIN = { id: 900_001, username: 'olga', language: 'en' } as const;
const SECRET = randomBytes(16).toString('hex');

export const STAFF_BOT_ENV = {
  ADMIN_BOT_TOKEN: STAFF_BOT_TOKEN,
  ALERTMANAGER_WEBHOOK_SECRET: SECRET,
  // All who are to be held are more than the 50 who are never a mass effect, in a run of any length.
  SAFETY_MAX_SHARE: '0.001',
} as const;

const LOOK_MS = 500;
/** A tap that nobody has answered by then is done again, as people do. */
const PATIENCE_MS = seconds(20);
/** Enough to be held: more than the 50 users of a mass effect, and than the 100 rows of a backlog. */
const HELD_USERS = 60;
const HELD_ROWS = 120;
/** The traffic of those whose monthly reset staff decline. */
export const DECLINED_BYTES = 5_000;

export const isDeclined = (username: string): boolean => username.startsWith('month_');
/** The name of an alert of Prometheus, which no other one's begins with. */
const alertOf = (turn: number): string => `Chaos${String(turn).padStart(3, '0')}`;
export const ALERT = /\bChaos\d{3}\b/;

/** What the brakes hold: a monthly reset, which staff decline, and a backlog of old messages, which they let go. */
export async function addHeld({ asked, stage }: Pick<LoadContext, 'asked' | 'stage'>): Promise<void> {
  const panel = stage.world.panel!;
  const at = Math.floor(now());
  for (let n = 0; n < HELD_USERS; n += 1) {
    const ours = { createdAt: at - days(60), usedTrafficBytes: DECLINED_BYTES, trafficLimitBytes: 1_000_000 };
    panel.addUser({ ...ours, username: `month_${n}`, telegramId: 71_000_000 + n, expireAt: at + days(90) });
  }
  await stage.world.pool.query(
    `insert into notification_queue (id, telegram_id, message, notification_type, scheduled_at)
     select gen_random_uuid(), $1::bigint + n, 'held ' || n, 'info', now() - interval '3 days' from generate_series(1, $2) as n`,
    [HELD_CHAT, HELD_ROWS],
  );
  for (let n = 1; n <= HELD_ROWS; n += 1)
    asked.messages.push({ kind: 'row', key: keyOf(HELD_CHAT + n, `held ${n}`), atMs: at });
}

const HELD_CHAT = 72_000_000;
export const isHeld = (key: string): boolean => / held \d+$/.test(key);

/** So many alerts are on at once, so that a long run has no more to do than a short one. */
const ON_AT_ONCE = 20;

/** Alertmanager hands in one alert more each time, and all that are on already; the oldest of many is over. */
export async function handedInAlerts({ random, signal, stage }: LoadContext, everyMs: number): Promise<void> {
  const startsAt = new Date(now()).toISOString();
  await every(everyMs, signal, async (turn) => {
    const process = random.pick(stage.crew.workers);
    if (!process) return;
    const first = Math.max(0, turn - ON_AT_ONCE);
    const alerts = Array.from({ length: turn - first + 1 }, (_, i) => {
      const isOver = i === 0 && turn >= ON_AT_ONCE;
      return {
        ...{ status: isOver ? 'resolved' : 'firing', startsAt, fingerprint: `c4a05${first + i}` },
        endsAt: isOver ? new Date(now()).toISOString() : '0001-01-01T00:00:00Z',
        labels: { alertname: alertOf(first + i), severity: 'critical' },
        annotations: { summary: `${alertOf(first + i)} happens`, action: 'Acknowledge it.' },
      };
    });
    // Without an answer it is handed in again with the next.
    const answer = await fetch(`${process.httpUrl}/webhooks/alertmanager`, {
      ...{ method: 'POST', body: JSON.stringify({ version: '4', alerts }), signal: AbortSignal.timeout(5_000) },
      headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
    }).catch(() => undefined);
    await answer?.body?.cancel();
  });
}

const LET_GO = 'Send them now';

/** What the admin taps under a message, and what the bot answers once that is done. */
const ANSWERS: readonly { under: RegExp; button: string; done: RegExp; note(asked: Asked, text: string): void }[] = [
  {
    ...{ under: ALERT, button: 'Acknowledge', done: /Acknowledged by/ },
    note(asked, text) {
      asked.beside['alerts acknowledged by a button'] += 1;
      asked.acknowledged.push({ alert: ALERT.exec(text)![0], atMs: now() });
    },
  },
  {
    ...{ under: /An old backlog of notifications is held/, button: LET_GO, done: /Sent by/ },
    note(asked) {
      asked.beside['brakes answered by a button'] += 1;
      asked.isLetGo = true;
    },
  },
  {
    ...{ under: /Task reset_monthly_traffic is held/, button: 'Not this time', done: /Declined by/ },
    note(asked) {
      asked.beside['brakes answered by a button'] += 1;
    },
  },
];

type Open = { messageId: number; text: string; answer: (typeof ANSWERS)[number]; tappedAtMs: number };

/** The admin answers each message that has something to answer, by two taps at once, until the bot says that it is done. */
export async function taps({ asked, signal, stage }: LoadContext): Promise<void> {
  const bot = stage.world.telegram.staff;
  const [open, byQuery] = [new Set<Open>(), new Map<string, Open>()];
  const tap = (one: Open): void => {
    one.tappedAtMs = now();
    if (one.answer.button === LET_GO) asked.letGoAtMs ??= now();
    for (let i = 0; i < 2; i += 1)
      byQuery.set(bot.tap(ADMIN, { messageId: one.messageId, text: one.answer.button }), one);
  };
  let [read, heard] = [0, 0];
  await every(LOOK_MS, signal, async () => {
    const messages = bot.messages({ chatId: ADMIN.id });
    for (const { message_id: messageId, reply_markup: markup, visible: text } of messages.slice(read)) {
      const answer = ANSWERS.find(({ under }) => under.test(text));
      if (!answer || !buttonsOf(markup).some((button) => button.text === answer.button)) continue;
      open.add({ messageId, text, answer, tappedAtMs: 0 });
    }
    read = messages.length;
    for (const { query, text } of bot.taps().slice(heard)) {
      const one = byQuery.get(query);
      if (one?.answer.done.test(text) && open.delete(one)) one.answer.note(asked, one.text);
    }
    heard = bot.taps().length;
    for (const one of open) if (now() - one.tappedAtMs > PATIENCE_MS && hasButton(bot, one)) tap(one);
  });
  if (asked.isLetGo) return;
  // Nobody has seen the message in time, as in a run of seconds: another way to say the same.
  asked.letGoAtMs ??= now();
  await insist(async () => {
    const { code, stderr } = await stage.world.command(['brake', 'confirm', 'notification_backlog', 'send']);
    if (code !== 0) throw new Error(`brake send: ${stderr}`);
  });
}

/** A card that was changed after an answer has not all its buttons any more. */
const hasButton = (bot: LoadContext['stage']['world']['telegram']['staff'], { answer, messageId }: Open): boolean =>
  bot
    .messages({ chatId: ADMIN.id })
    .some(
      (message) =>
        message.message_id === messageId && buttonsOf(message.reply_markup).some(({ text }) => text === answer.button),
    );
