import { randomUUID } from 'node:crypto';
import { hours } from '../../../src/lib/duration.ts';
import { now } from '../timeline.ts';
import { keyOf } from './asked.ts';
import { every, type LoadContext } from './load.ts';

const TAG = 'CAMPAIGN';
/** Few, so that the brake on mass effects has nothing to ask. */
const CUSTOMERS = 20;
const CUSTOMER_MS = 2_500;

/** Has the staff start a campaign for customers whose time ends within two days. None of them is there yet. */
export async function addCampaign({ stage }: Pick<LoadContext, 'stage'>): Promise<void> {
  const id = randomUUID();
  const campaign = {
    ...{ id, name: 'chaos', trigger: 'before_end', audience: { tags: [TAG] } },
    steps: [{ at: 48, texts: { en: 'campaign {username}' } }],
  };
  for (const words of [
    ['add', '--payload', JSON.stringify(campaign)],
    ['start', id],
  ]) {
    const { code, stderr } = await stage.world.command(['campaigns', ...words]);
    if (code !== 0) throw new Error(`campaigns ${words[0]}: ${stderr}`);
  }
}

/** Customers come to the step of the campaign, one after the other: each is told once. */
export async function campaignCustomers({ asked, signal, stage }: LoadContext): Promise<void> {
  await every(CUSTOMER_MS, signal, async (turn) => {
    if (turn >= CUSTOMERS) return;
    const username = `camp_${turn}`;
    const telegramId = 70_000_000 + turn;
    const atMs = now();
    stage.world.panel!.addUser({ username, telegramId, tag: TAG, expireAt: Math.floor(atMs) + hours(30) });
    asked.beside['campaign messages'] += 1;
    asked.messages.push({ kind: 'row', key: keyOf(telegramId, `campaign ${username}`), atMs });
  });
}
