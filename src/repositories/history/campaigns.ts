import { type RawBuilder, sql } from 'kysely';
import type { CampaignStep, CampaignTrigger } from '../../lib/campaign-rules.ts';
import type { Database } from '../database.ts';
import { BUILT_IN_CAMPAIGN } from './built-in-campaign.ts';

/** `paused` until somebody starts it; `ended` stays so. */
export type CampaignState = 'paused' | 'running' | 'ended';

/** What staff decide of a campaign. */
export type CampaignDraft = {
  name: string;
  trigger: CampaignTrigger;
  steps: readonly CampaignStep[];
  /** The conditions, as `lib/campaign-rules.ts` has them. */
  audience: unknown;
  /** So many of a hundred customers get nothing, to see what the campaign earns. */
  holdoutPercent: number;
  /** Whom it is for gets its messages and not those that the worker sends without any campaign. */
  inPlaceOfBuiltIn: boolean;
};

export type Campaign = CampaignDraft & {
  id: string;
  state: CampaignState;
  /** Counts up with every change: a run that began with another one queues nothing for it. */
  version: number;
  createdBy: string;
  createdAt: Date;
  changedBy: string | undefined;
  changedAt: Date | undefined;
  endedAt: Date | undefined;
};

export type CampaignWish = 'start' | 'pause' | 'end';

/** Campaigns that staff made, in our own schema, and the built-in one. Every write may come again and then changes nothing more. */
export class Campaigns {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Keeps a new one, which is paused. False where there is one with this id: the same request came twice. */
  async add(id: string, draft: CampaignDraft, by: string): Promise<boolean> {
    const { numAffectedRows } = await sql`
      insert into task_worker.campaigns (id, name, trigger, steps, audience, holdout_percent, in_place_of_built_in, state, created_by)
      values (${id}, ${draft.name}, ${draft.trigger}, ${JSON.stringify(draft.steps)}::jsonb, ${JSON.stringify(draft.audience)}::jsonb,
              ${draft.holdoutPercent}, ${draft.inPlaceOfBuiltIn}, 'paused', ${by})
      on conflict (id) do nothing`.execute(this.#db);
    return Number(numAffectedRows ?? 0) > 0;
  }

  /** False where it has ended, is the built-in one, or waits for something else: what was told would mean something else then. */
  async change(id: string, draft: CampaignDraft, by: string): Promise<boolean> {
    const { numAffectedRows } = await sql`
      update task_worker.campaigns
         set name = ${draft.name}, steps = ${JSON.stringify(draft.steps)}::jsonb, audience = ${JSON.stringify(draft.audience)}::jsonb,
             holdout_percent = ${draft.holdoutPercent}, in_place_of_built_in = ${draft.inPlaceOfBuiltIn},
             version = version + 1, changed_by = ${by}, changed_at = now()
       where id = ${id} and id <> ${BUILT_IN_CAMPAIGN} and trigger = ${draft.trigger} and state <> 'ended'`.execute(
      this.#db,
    );
    return Number(numAffectedRows ?? 0) > 0;
  }

  /** Answers the state it is in then; undefined where there is no such campaign. The built-in one never ends. */
  async say(id: string, wish: CampaignWish, by: string): Promise<CampaignState | undefined> {
    const change = {
      start: sql`state = 'running' where state = 'paused'`,
      pause: sql`state = 'paused' where state = 'running'`,
      end: sql`state = 'ended', ended_at = now() where state <> 'ended' and id <> ${BUILT_IN_CAMPAIGN}`,
    }[wish];
    await sql`
      update task_worker.campaigns set changed_by = ${by}, changed_at = now(), version = version + 1, ${change} and id = ${id}`.execute(
      this.#db,
    );
    return (await this.find(id))?.state;
  }

  async find(id: string): Promise<Campaign | undefined> {
    const { rows } = await sql<Row>`select ${COLUMNS} from task_worker.campaigns where id = ${id}`.execute(this.#db);
    return rows[0] && asCampaign(rows[0]);
  }

  /** All of them: the built-in one first, then those that have not ended, the oldest first. There are few. */
  async all(): Promise<Campaign[]> {
    const { rows } = await sql<Row>`
      select ${COLUMNS} from task_worker.campaigns
       order by id <> ${BUILT_IN_CAMPAIGN}, state = 'ended', created_at, id`.execute(this.#db);
    return rows.map(asCampaign);
  }

  /** Those that run, without the built-in one, in the order in which they were made. */
  async running(): Promise<Campaign[]> {
    const { rows } = await sql<Row>`
      select ${COLUMNS} from task_worker.campaigns
       where state = 'running' and id <> ${BUILT_IN_CAMPAIGN} order by created_at, id`.execute(this.#db);
    return rows.map(asCampaign);
  }

  /** Whether staff have switched the built-in reminders off. */
  async isBuiltInOff(): Promise<boolean> {
    const { rows } = await sql`
      select from task_worker.campaigns where id = ${BUILT_IN_CAMPAIGN} and state <> 'running'`.execute(this.#db);
    return rows.length > 0;
  }
}

type Row = {
  id: string;
  name: string;
  trigger: CampaignTrigger;
  steps: CampaignStep[];
  audience: unknown;
  holdout_percent: number;
  in_place_of_built_in: boolean;
  state: CampaignState;
  version: number;
  created_by: string;
  created_at: Date;
  changed_by: string | null;
  changed_at: Date | null;
  ended_at: Date | null;
};

const COLUMNS: RawBuilder<unknown> = sql`id, name, trigger, steps, audience, holdout_percent, in_place_of_built_in, state, version, created_by, created_at, changed_by, changed_at, ended_at`;

const asCampaign = (row: Row): Campaign => ({
  id: row.id,
  name: row.name,
  trigger: row.trigger,
  steps: row.steps,
  audience: row.audience,
  holdoutPercent: row.holdout_percent,
  inPlaceOfBuiltIn: row.in_place_of_built_in,
  state: row.state,
  version: row.version,
  createdBy: row.created_by,
  createdAt: row.created_at,
  changedBy: row.changed_by ?? undefined,
  changedAt: row.changed_at ?? undefined,
  endedAt: row.ended_at ?? undefined,
});
