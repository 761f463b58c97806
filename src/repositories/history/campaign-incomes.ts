import { sql } from 'kysely';
import { type CampaignGroup, type CampaignGroups, EARNED_DAYS } from '../../lib/campaign-earnings.ts';
import { OTHER_MODES } from '../../lib/purchase.ts';
import type { Database } from '../database.ts';

/** What customers of campaigns paid, those who were written to and those who got nothing by choice. */
export class CampaignIncomes {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * By campaign, of all who were first written to, or held out, in a period that began for them in `[from, to)`. A completed payment for time
   * counts by its creation, within seven days after; where a later period has begun for the same chat it belongs to that one, so none counts
   * twice. `only` names one campaign.
   */
  async between(from: Date, to: Date, only?: string): Promise<ReadonlyMap<string, CampaignGroups>> {
    const { rows } = await sql<Row>`
      with entries as (
        select distinct on (kept.campaign, kept.chat, kept.at) kept.campaign, kept.chat, kept.at, kept.part
          from task_worker.campaign_sends as kept
         where kept.at >= ${from} and kept.at < ${to}::timestamptz + ${EARNED_DAYS} * interval '1 day'
           and (${only ?? null}::uuid is null or kept.campaign = ${only ?? null}::uuid)
           and not exists (select from task_worker.campaign_sends as earlier
                            where earlier.campaign = kept.campaign and earlier.username = kept.username
                              and earlier.period = kept.period and earlier.at < kept.at)
         order by kept.campaign, kept.chat, kept.at, kept.part desc
      ), spans as (
        select *, least(at + ${EARNED_DAYS} * interval '1 day', lead(at) over (partition by campaign, chat order by at)) as until
          from entries
      ), paid as (
        select spans.campaign, spans.part, spans.chat, spans.at, payment.currency,
               coalesce(payment.final_amount, payment.amount) as amount
          from spans
          join mobile_users as customer on customer.telegram_id = spans.chat
          join payments as payment on payment.user_uuid = customer.id and payment.status = 'completed'
               and payment.created_at >= spans.at and payment.created_at < spans.until
               and not coalesce(payment.metadata ->> 'checkout_mode' = any(${OTHER_MODES}::text[]), false)
         where spans.at < ${to}
      )
      select campaign, part, null as currency, count(*)::int as customers, null as total,
             (select count(distinct (chat, at)) from paid where paid.campaign = spans.campaign and paid.part = spans.part)::int as renewed
        from spans where at < ${to} group by campaign, part
       union all
      select campaign, part, currency, 0, trim_scale(sum(amount))::text, 0 from paid group by campaign, part, currency
       order by currency`.execute(this.#db);
    const campaigns = new Set(rows.map(({ campaign }) => campaign));
    return new Map(
      [...campaigns].map((campaign) => {
        const of = (part: Row['part']) => groupOf(rows.filter((row) => row.campaign === campaign && row.part === part));
        return [campaign, { told: of('told'), heldOut: of('held_out') }];
      }),
    );
  }
}

type Row = {
  campaign: string;
  part: 'told' | 'held_out';
  currency: string | null;
  customers: number;
  total: string | null;
  renewed: number;
};

const groupOf = (rows: readonly Row[]): CampaignGroup => ({
  customers: rows.reduce((sum, { customers }) => sum + customers, 0),
  renewed: rows.reduce((sum, { renewed }) => sum + renewed, 0),
  income: rows.flatMap(({ currency, total }) =>
    currency === null || total === null ? [] : [{ amount: total, currency }],
  ),
});
