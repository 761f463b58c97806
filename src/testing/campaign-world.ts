import { randomUUID } from 'node:crypto';
import type { CampaignStep, CampaignTrigger } from '../lib/campaign-rules.ts';
import type { CampaignDraft } from '../repositories/history/campaigns.ts';
import type { SubscriptionWorld } from './subscription-world.ts';

export type NewCampaign = Partial<Omit<CampaignDraft, 'steps'>> & {
  id?: string;
  trigger: CampaignTrigger;
  /** Distances with one text for all, or steps of their own. */
  at: readonly number[];
  text?: string;
  texts?: CampaignStep['texts'];
};

/** Makes a campaign and starts it. Answers its id. */
export async function startCampaign(world: Pick<SubscriptionWorld, 'app'>, given: NewCampaign): Promise<string> {
  const { at, id = randomUUID(), text = '{username}', texts = { en: text }, trigger } = given;
  const { campaigns } = world.app.app.services;
  const draft = {
    ...{ name: trigger, trigger, audience: given.audience ?? {}, holdoutPercent: given.holdoutPercent ?? 0 },
    inPlaceOfBuiltIn: given.inPlaceOfBuiltIn ?? true,
    steps: at.map((one) => ({ at: one, texts })),
  };
  await campaigns.add(id, draft, 'token:olga');
  await campaigns.say(id, 'start', 'token:olga');
  return id;
}

/** The texts that campaigns queued, by chat and step, sorted. */
export async function campaignTexts(world: SubscriptionWorld): Promise<string[]> {
  const rows = (await world.messages()).filter(({ notification_type: type }) => type.startsWith('campaign:'));
  return rows
    .map(({ message, notification_type: type, telegram_id: chat }) => `${chat} at ${type.split(':')[2]}: ${message}`)
    .sort((a, b) => (a < b ? -1 : 1));
}

/** A customer of the platform with a completed payment at this time. */
export async function payAt(
  { app }: Pick<SubscriptionWorld, 'app'>,
  chat: number,
  at: Date,
  { amount = '10', mode }: { amount?: string; mode?: string } = {},
): Promise<void> {
  const { pool } = app.database;
  const customer = `00000000-0000-4000-8000-${String(chat).padStart(12, '0')}`;
  await pool.query(
    `insert into mobile_users (id, email, password_hash, telegram_id, is_active, status)
     values ($1, $2, 'x', $3, true, 'active') on conflict (id) do nothing`,
    [customer, `${chat}@example.com`, chat],
  );
  const metadata = { ...(mode && { checkout_mode: mode }), worker: { activation: 'done' } };
  await pool.query(
    `insert into payments (id, user_uuid, amount, currency, status, provider, subscription_days, metadata, created_at, updated_at)
     values ($1, $2, $3, 'USD', 'completed', 'cryptobot', 30, $4, $5, $5)`,
    [randomUUID(), customer, amount, JSON.stringify(metadata), at],
  );
}
