import { once } from 'node:events';
import type { FromContestant, ToContestant } from '../harness/contestant.ts';

/** Reports that it takes work, sends the noted latencies on request, and resolves when the process is to end. */
export async function serveMeasure(noted: number[]): Promise<void> {
  const send = (message: FromContestant): void => void process.send?.(message);
  process.on('message', ({ kind }: ToContestant) => send({ kind, ms: noted.splice(0) }));
  send({ kind: 'ready' });
  await Promise.race([once(process, 'SIGTERM'), once(process, 'disconnect')]);
  // An open channel would keep the process alive.
  if (process.connected) process.disconnect();
}
