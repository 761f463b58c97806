import { createHash } from 'node:crypto';

/** By chance, and the same each time: it follows from the campaign and the chat. So a customer is left out in every period, or in none. */
export function isHeldOutOf(campaign: string, chat: number, percent: number): boolean {
  const draw = createHash('sha256').update(`${campaign}:${chat}`).digest().readUInt32BE(0);
  return draw % 100 < percent;
}
