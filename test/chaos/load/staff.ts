import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { days } from '../../../src/lib/duration.ts';
import { now } from '../timeline.ts';
import { type AskedBroadcast, keyOf } from './asked.ts';
import { every, type LoadContext } from './load.ts';

/** The token of an admin, with the name before it. */
export const STAFF = `olga:${randomUUID()}`;
const GROUP = 40;
/** Every so many broadcasts is taken back as soon as it is sent. */
const CANCELLED_EVERY = 4;

const tagOf = (turn: number): string => `CROWD_${turn}`;
const chatsOf = (turn: number): number[] => Array.from({ length: GROUP }, (_, i) => 50_000_000 + turn * 1_000 + i);

/** Adds the customers of each broadcast, who have nothing else in common. */
export function addCrowds({ stage }: Pick<LoadContext, 'stage'>, broadcasts: number): void {
  for (let turn = 0; turn < broadcasts; turn += 1)
    for (const telegramId of chatsOf(turn))
      stage.world.panel!.addUser({
        ...{ username: `crowd_${telegramId}`, telegramId, tag: tagOf(turn) },
        expireAt: Math.floor(now()) + days(90),
      });
}

/** Plans broadcasts by the API and sends each with two taps at once, as people do. Some are cancelled then. */
export async function plannedBroadcasts({ asked, signal, stage }: LoadContext, everyMs: number): Promise<void> {
  const ask = async (path: string, body: object): Promise<Record<string, unknown> | undefined> => {
    const [process] = stage.crew.workers;
    if (!process) return undefined;
    try {
      const response = await fetch(`${process.httpUrl}/api/v1/broadcasts${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${STAFF.split(':')[1]}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      });
      return response.ok ? ((await response.json()) as Record<string, unknown>) : undefined;
    } catch {
      return undefined;
    }
  };
  await every(everyMs, signal, async (turn) => {
    const text = `planned ${turn}`;
    const atMs = now();
    const made = await ask('', { name: text, segment: { tags: [tagOf(turn)] }, texts: { en: text } });
    if (!made) return;
    const id = String(made.id);
    const answers = await Promise.all([ask(`/${id}/send`, {}), ask(`/${id}/send`, {})]);
    let wish: AskedBroadcast['wish'] = answers.some((answer) => answer !== undefined) ? 'done' : undefined;
    if (wish && turn % CANCELLED_EVERY === CANCELLED_EVERY - 1) {
      await delay(500);
      // Without an answer it may have been heard. One that is told too late to take anything back says so.
      wish = (await ask(`/${id}/cancel`, {}))?.state === 'cancelled' ? 'cancelled' : undefined;
    }
    const keys = chatsOf(turn).map((chat) => keyOf(chat, text));
    for (const key of keys)
      asked.messages.push({
        kind: 'row',
        key,
        atMs,
        ...(wish !== 'done' && { mayBeMissing: true }),
      });
    asked.broadcasts.push({ id, atMs, keys, wish });
  });
}
