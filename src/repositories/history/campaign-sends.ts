import { sql } from 'kysely';
import { days } from '../../lib/duration.ts';
import type { Database } from '../database.ts';
import { Notifications } from '../notifications.ts';

/** One panel user at one step of a campaign, in one period: a time until an end, an allowance of traffic, a silence. */
export type CampaignSubject = {
  campaign: string;
  username: string;
  period: string;
  step: number;
  chat: number;
  /** The end as it was then: another one shows that the customer renewed. */
  expiresAt: Date;
};

/** One message, for one panel user or for several of one person, as a row of `notification_queue`. */
export type CampaignMessage = {
  id: string;
  chat: number;
  text: string;
  type: string;
  /** The version of the campaign that it was made by. */
  version: number;
  /** Messages of this week to this chat that are not of campaigns of staff, and count as well. */
  besides: number;
  subjects: readonly CampaignSubject[];
};

export type CampaignBatch = {
  messages: readonly CampaignMessage[];
  /** Those who get nothing by choice, as messages that are not sent. */
  heldOut: readonly CampaignMessage[];
};

/** An earlier step in the period of a panel user. */
export type EarlierSend = Pick<CampaignSubject, 'campaign' | 'username' | 'period' | 'step' | 'expiresAt'> & {
  at: Date;
};

/** A step, and how many were told and held out at it so far. */
export type StepCount = { step: number; told: number; heldOut: number; lastAt: Date };

/** Of a week in which the cap on messages is counted. */
const WEEK_MS = days(7);

/**
 * The customers who were told a step of a campaign. A step and its message in `notification_queue` come into being in one transaction, and the step's
 * key is its campaign, panel user, period and distance: so each is told once, through kills, an emptied Redis and two runs at once.
 */
export class CampaignSends {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Records these and queues their messages, except those that were told before, that a change of their campaign overtook, or that would
   * pass `weeklyCap` messages to one chat in seven days. Runs at once come one after the other.
   */
  async record(
    { heldOut, messages }: CampaignBatch,
    { now, weeklyCap }: { now: Date; weeklyCap: number },
  ): Promise<{ queued: number; capped: number }> {
    const all = [...messages, ...heldOut];
    if (all.length === 0) return { queued: 0, capped: 0 };
    return this.#db.transaction().execute(async (transaction) => {
      await sql`select pg_advisory_xact_lock(hashtextextended('task_worker.campaign_sends', 0))`.execute(transaction);
      const within = new CampaignSends(transaction);
      const [versions, earlier, told] = [
        await within.#runningVersions(),
        await within.earlier(all.flatMap(({ subjects }) => subjects)),
        await within.toldInWeek(
          messages.map(({ chat }) => chat),
          now,
        ),
      ];
      const done = new Set(earlier.map(keyOf));
      const isNew = ({ subjects, version }: CampaignMessage): boolean =>
        versions.get(subjects[0]!.campaign) === version && subjects.every((subject) => !done.has(keyOf(subject)));
      const counts = new Map(told);
      const fresh = messages.filter(isNew);
      const chosen = fresh.filter(({ besides, chat }) => {
        const before = counts.get(chat) ?? 0;
        if (before + besides >= weeklyCap) return false;
        counts.set(chat, before + 1);
        return true;
      });
      await within.#insert(chosen, 'told', now);
      await within.#insert(heldOut.filter(isNew), 'held_out', now);
      const queued = await new Notifications(transaction).insert(
        chosen.map(({ chat, id, text, type }) => ({ id, telegramId: chat, message: text, type })),
      );
      return { queued, capped: fresh.length - chosen.length };
    });
  }

  /** All that was recorded in the periods of these. */
  async earlier(of: readonly Pick<CampaignSubject, 'campaign' | 'username' | 'period'>[]): Promise<EarlierSend[]> {
    if (of.length === 0) return [];
    const { rows } = await sql<Row>`
      select distinct kept.campaign, kept.username, kept.period, kept.step, kept.expires_at, kept.at
        from unnest(${of.map(({ campaign }) => campaign)}::uuid[], ${of.map(({ username }) => username)}::text[],
                    ${of.map(({ period }) => period)}::text[]) as asked(campaign, username, period)
        join task_worker.campaign_sends as kept using (campaign, username, period)`.execute(this.#db);
    return rows.map(asSend);
  }

  /** What campaigns of this trigger told or held out in the periods of these panel users. */
  async ofTrigger(
    trigger: string,
    of: readonly Pick<CampaignSubject, 'username' | 'period'>[],
  ): Promise<EarlierSend[]> {
    if (of.length === 0) return [];
    const { rows } = await sql<Row>`
      select kept.campaign, kept.username, kept.period, kept.step, kept.expires_at, kept.at
        from unnest(${of.map(({ username }) => username)}::text[], ${of.map(({ period }) => period)}::text[]) as asked(username, period)
        join task_worker.campaign_sends as kept using (username, period)
        join task_worker.campaigns as campaign on campaign.id = kept.campaign and campaign.trigger = ${trigger}`.execute(
      this.#db,
    );
    return rows.map(asSend);
  }

  /** How many messages each of these chats got in the seven days before `now`. A time after it, by a clock that ran ahead, counts. */
  async toldInWeek(chats: readonly number[], now: Date): Promise<ReadonlyMap<number, number>> {
    if (chats.length === 0) return new Map();
    const { rows } = await sql<{ chat: number; messages: number }>`
      select chat, count(distinct message)::int as messages from task_worker.campaign_sends
       where chat = any(${[...new Set(chats)]}::bigint[]) and part = 'told' and at > ${new Date(now.getTime() - WEEK_MS)}
       group by chat`.execute(this.#db);
    return new Map(rows.map(({ chat, messages }) => [chat, messages]));
  }

  /** What a message is about; nothing where it is not known, or was taken back. */
  async ofMessage(message: string): Promise<EarlierSend[]> {
    const { rows } = await sql<Row>`
      select campaign, username, period, step, expires_at, at from task_worker.campaign_sends
       where message = ${message} and part = 'told'`.execute(this.#db);
    return rows.map(asSend);
  }

  /** Takes back that these were told by this message, so that they are told by another one while they are due. */
  async takeBack(message: string, usernames: readonly string[]): Promise<void> {
    await sql`
      delete from task_worker.campaign_sends
       where message = ${message} and username = any(${usernames}::text[])`.execute(this.#db);
  }

  async countSteps(campaign: string): Promise<StepCount[]> {
    const { rows } = await sql<{ step: number; told: number; held_out: number; last_at: Date }>`
      select step, count(*) filter (where part = 'told')::int as told,
             count(*) filter (where part = 'held_out')::int as held_out, max(at) as last_at
        from task_worker.campaign_sends where campaign = ${campaign} group by step order by step desc`.execute(
      this.#db,
    );
    return rows.map((row) => ({ step: row.step, told: row.told, heldOut: row.held_out, lastAt: row.last_at }));
  }

  /** Deletes what is older than 400 days. */
  async forget(today: Date): Promise<void> {
    await sql`select task_worker.forget_campaign_sends((${today}::timestamptz at time zone 'UTC')::date)`.execute(
      this.#db,
    );
  }

  /** The versions of the campaigns that run, which stay so until the transaction ends. */
  async #runningVersions(): Promise<ReadonlyMap<string, number>> {
    const { rows } = await sql<{ id: string; version: number }>`
      select id, version from task_worker.campaigns where state = 'running' for share`.execute(this.#db);
    return new Map(rows.map(({ id, version }) => [id, version]));
  }

  async #insert(messages: readonly CampaignMessage[], part: 'told' | 'held_out', now: Date): Promise<void> {
    const rows = messages.flatMap(({ id, subjects }) => subjects.map((subject) => ({ ...subject, message: id })));
    if (rows.length === 0) return;
    await sql`
      insert into task_worker.campaign_sends (campaign, username, period, step, chat, part, message, expires_at, at)
      select campaign, username, period, step, chat, ${part}, message, expires_at, ${now}
        from unnest(${rows.map((row) => row.campaign)}::uuid[], ${rows.map((row) => row.username)}::text[],
                    ${rows.map((row) => row.period)}::text[], ${rows.map((row) => row.step)}::int[],
                    ${rows.map((row) => row.chat)}::bigint[], ${rows.map((row) => row.message)}::uuid[],
                    ${rows.map((row) => row.expiresAt)}::timestamptz[])
             as new(campaign, username, period, step, chat, message, expires_at)
      on conflict (campaign, username, period, step) do nothing`.execute(this.#db);
  }
}

type Row = { campaign: string; username: string; period: string; step: number; expires_at: Date; at: Date };

const asSend = ({ expires_at: expiresAt, ...row }: Row): EarlierSend => ({ ...row, expiresAt });

const keyOf = ({ campaign, period, step, username }: Pick<EarlierSend, 'campaign' | 'period' | 'step' | 'username'>) =>
  JSON.stringify([campaign, username, period, step]);
