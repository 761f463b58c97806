import { randomUUID } from 'node:crypto';
import { days } from '../../../src/lib/duration.ts';
import { now } from '../timeline.ts';
import { every, type LoadContext, once } from './load.ts';

const USERS = 20;
/** The chats and the text of a message that nobody may get. */
export const DRY_TEXT = 'dry run';
const DRY_CHAT = 60_000_000;

/** Adds panel users whom only dry runs name. */
export function addDryUsers({ stage }: Pick<LoadContext, 'stage'>): void {
  for (let n = 0; n < USERS; n += 1)
    stage.world.panel!.addUser({ username: `dry_${n}`, expireAt: Math.floor(now()) + days(90) });
}

/** Asks what acts on many would do. */
export async function dryRuns({ asked, signal, stage }: LoadContext, everyMs: number): Promise<void> {
  const ids = Array.from({ length: USERS }, (_, n) => stage.world.panel!.user(`dry_${n}`)!.id);
  const chats = Array.from({ length: USERS }, (_, n) => DRY_CHAT + n);
  const wishes = [
    ['execute_bulk_user_operation', { operation: 'disable', user_uuids: ids, initiated_by: 'chaos' }],
    ['execute_bulk_broadcast', { telegram_ids: chats, message: DRY_TEXT }],
  ] as const;
  await every(everyMs, signal, async (turn) => {
    const [task, payload] = wishes[turn % wishes.length]!;
    const atMs = now();
    const jobId = randomUUID();
    asked.beside['dry runs'] += 1;
    if (await once(asked, () => stage.world.dispatch(task, { ...payload, dry_run: true }, { jobId })))
      asked.dryRuns.push({ jobId, task, atMs, wouldTouch: USERS });
    else asked.doubtful.add(jobId);
  });
}
