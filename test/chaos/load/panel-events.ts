import { createHmac, randomBytes } from 'node:crypto';
import { every, type LoadContext } from './load.ts';

/** What the panel signs its events with. */
export const PANEL_SECRET = randomBytes(16).toString('hex');
const EVENT_MS = 250;
/** Each event comes twice; every so many is signed by somebody else. */
const FORGED_EVERY = 10;
/** None of them is true: all nodes are connected, and nobody has been changed, limited or deleted. */
const NAMES = ['node.connection_lost', 'user.expired', 'user.deleted', 'user.limited', 'user.modified'] as const;
const PEOPLE = 30;

/** Events of the panel that are false, doubled, out of order or forged, each to one of the workers: nobody may believe them. */
export async function panelEvents({ asked, random, signal, stage }: LoadContext): Promise<void> {
  await every(EVENT_MS, signal, async (turn) => {
    const process = random.pick(stage.crew.workers);
    if (!process) return;
    const event = NAMES[(turn >> 1) % NAMES.length]!;
    const data = event.startsWith('node') ? { name: 'node-1' } : { username: `expiring_${(turn * 7) % PEOPLE}` };
    const timestamp = new Date(Date.now() - ((turn * 7_919) % 600_000)).toISOString();
    const body = JSON.stringify({ scope: event.split('.')[0], event, timestamp, data });
    const isForged = turn % FORGED_EVERY === FORGED_EVERY - 1;
    const signature = createHmac('sha256', isForged ? 'somebody else' : PANEL_SECRET)
      .update(body)
      .digest('hex');
    const answer = await fetch(`${process.httpUrl}/webhooks/remnawave`, {
      ...{ method: 'POST', body, signal: AbortSignal.timeout(5_000) },
      headers: { 'content-type': 'application/json', 'x-remnawave-signature': signature },
    }).catch(() => undefined);
    if (answer) asked.beside['events of the panel'] += 1;
    if (isForged && answer?.ok) asked.forgedTaken += 1;
  });
}
