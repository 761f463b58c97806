import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { CARD_ACTS, type CardAct } from '../../../lib/card-act.ts';
import { days, minutes } from '../../../lib/duration.ts';
import type { OnRead } from '../../../lib/read-each.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { beganAt, subjectIds } from '../../alert-row-id.ts';
import { type JsonEntries, readEntries, readEntry, readNamed, storedTime } from '../json-entries.ts';
import { keys } from '../keys.ts';

/** What an alert is about: its row says no more than its kind. */
export type AlertFacts = {
  /** As the states of alerts know it, for one that lasts: `node_offline:<uuid>`. */
  alert: string;
  kind: string;
  subject: string;
  at: Date;
  /** It has an end, so it can be acknowledged and muted. */
  lasts: boolean;
  /** The job that failed, which can be replayed. */
  job?: string | undefined;
};

/** The same of all alerts about one subject. */
export type AlertAbout = Omit<AlertFacts, 'at'>;

/** A message of the staff's bot that has buttons. */
export type AlertCard = { chatId: number; html: string; locale: 'en' | 'ru'; alerts: readonly AlertFacts[] };

/** An answer to an alert. Not `done`: somebody is at it, or died over it. */
export type AlertDecision = { act: CardAct; by: string; at: Date; done: boolean };

const Facts = z.object({
  ...{ alert: z.string(), kind: z.string(), subject: z.string(), at: storedTime, lasts: z.boolean() },
  job: z.string().optional(),
});

const facts: JsonEntries<AlertAbout> = { source: 'alert_facts', entry: Facts.omit({ at: true }) };
const cards: JsonEntries<AlertCard> = {
  source: 'alert_cards',
  entry: z
    .object({ chat_id: z.int(), html: z.string(), locale: z.enum(['en', 'ru']), alerts: z.array(Facts) })
    .transform(({ chat_id: chatId, ...rest }) => ({ chatId, ...rest })),
};
const decisions: JsonEntries<AlertDecision> = {
  source: 'alert_decisions',
  entry: z.object({ act: z.enum(CARD_ACTS), by: z.string(), at: storedTime, done: z.boolean() }),
};

/** An alert may wait so long for Telegram, or for its turn. */
const FACTS_MS = days(7);
/** Buttons work as long. Afterwards a tap is told that it is too old. */
const CARD_MS = days(30);
/** An act that is not done after this never will be: its process has died. */
const ACT_MS = minutes(1);

/**
 * One step, so that of several people one decides. KEYS: the decisions. ARGV: the group of answers, the decision, the time before which one that
 * is not done counts for nothing, how long all is kept, and whether one that is done counts no longer. Answers the decision that stands before this one.
 */
const CLAIM = `
local held = redis.call('HGET', KEYS[1], ARGV[1])
local isJson, known = pcall(cjson.decode, held or '')
local stands = isJson and type(known) == 'table' and (tostring(known.at) > ARGV[3] or (known.done and ARGV[5] == ''))
if stands then return held end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return false`;

/** The messages by which alerts were told to staff, and what was decided by their buttons. Throws while Redis is away. */
export class AlertCards {
  readonly #redis: RedisClient;
  readonly #onRead: OnRead | undefined;

  constructor(redis: RedisClient, onRead?: OnRead) {
    this.#redis = redis;
    this.#onRead = onRead;
  }

  /** Remembers for a week what these rows are about, and all others about the same subject. */
  async noteFacts(rows: readonly string[], about: AlertAbout): Promise<void> {
    const text = JSON.stringify(about);
    await Promise.all(rows.map((row) => this.#redis.set(keys.alertFacts(subjectOf(row)), text, 'PX', FACTS_MS)));
  }

  /** What these rows are about, as far as it is known; their ids say of when. */
  async factsOf(rows: readonly string[]): Promise<AlertFacts[]> {
    const texts = await Promise.all(rows.map((row) => this.#redis.get(keys.alertFacts(subjectOf(row)))));
    const found = rows.flatMap((row, i) => (texts[i] ? [[row, texts[i]] as const] : []));
    return readNamed(found, facts, this.#onRead).items.map(([row, about]) => ({ ...about, at: beganAt(row) }));
  }

  /** Keeps a card and answers its id: twelve characters that nobody guesses. */
  async add({ chatId, ...card }: AlertCard): Promise<string> {
    const id = randomBytes(9).toString('base64url');
    await this.#redis.set(keys.alertCard(id), JSON.stringify({ ...card, chat_id: chatId }), 'PX', CARD_MS);
    return id;
  }

  /** Undefined where there is no such card, or none any more. */
  async find(id: string): Promise<AlertCard | undefined> {
    const text = await this.#redis.get(keys.alertCard(id));
    return text === null ? undefined : readEntry(id, text, cards, this.#onRead);
  }

  /** Remembers the message of a card, so that the others' taps can change it. */
  async sent(id: string, { alerts }: AlertCard, messageId: number): Promise<void> {
    for (const alert of alerts) {
      const copies = keys.alertCopies(refOf(alert));
      await this.#redis.hset(copies, id, messageId);
      await this.#redis.pexpire(copies, CARD_MS);
    }
  }

  /** The cards that tell one of these alerts, with their messages. */
  async copies(alerts: readonly AlertFacts[]): Promise<ReadonlyMap<string, number>> {
    const found = await Promise.all(alerts.map((alert) => this.#redis.hgetall(keys.alertCopies(refOf(alert)))));
    return new Map(found.flatMap((all) => Object.entries(all).map(([id, message]) => [id, Number(message)] as const)));
  }

  /**
   * Claims the answer to one alert for a minute. Undefined where the caller has it; else the decision that stands. Answers of one `group`
   * exclude each other. With `again`, one that was done may be done anew after a minute.
   */
  async claim(
    alert: AlertFacts,
    group: string,
    decision: Omit<AlertDecision, 'done'>,
    { again = false } = {},
  ): Promise<AlertDecision | undefined> {
    const fresh = new Date(decision.at.getTime() - ACT_MS).toISOString();
    const mine = JSON.stringify({ ...decision, done: false });
    const args = [group, mine, fresh, CARD_MS, again ? 'again' : ''];
    const held = await this.#redis.eval(CLAIM, 1, keys.alertDecisions(refOf(alert)), ...args);
    return typeof held === 'string' ? readEntry(group, held, decisions, this.#onRead) : undefined;
  }

  /** Settles a claim: what was decided is done and stands. */
  async settle(alert: AlertFacts, group: string, decision: Omit<AlertDecision, 'done'>): Promise<void> {
    const ref = keys.alertDecisions(refOf(alert));
    await this.#redis.hset(ref, group, JSON.stringify({ ...decision, done: true }));
    await this.#redis.pexpire(ref, CARD_MS);
  }

  /** Gives a claim back: nothing was done. */
  async release(alert: AlertFacts, group: string): Promise<void> {
    await this.#redis.hdel(keys.alertDecisions(refOf(alert)), group);
  }

  /** The decisions about an alert that were carried out, by group, the earliest first. */
  async decisions(alert: AlertFacts): Promise<ReadonlyMap<string, AlertDecision>> {
    const all = readEntries(await this.#redis.hgetall(keys.alertDecisions(refOf(alert))), decisions, this.#onRead);
    const done = [...all].filter(([, one]) => one.done);
    return new Map(done.sort(([, a], [, b]) => a.at.getTime() - b.at.getTime()));
  }
}

/** What all ids of rows about one subject and person have in common. */
const subjectOf = (row: string): string => subjectIds(row).first.slice(0, 13);

/** One occurrence of an alert, the same for all who were told. */
const refOf = ({ alert, at }: AlertFacts): string =>
  createHash('sha256').update(`${alert}\n${at.getTime()}`).digest('base64url').slice(0, 22);
