import type { ApiRole } from './api-role.ts';

/** What the buttons under an alert do. `go` and `no` decide about what is held. */
export const CARD_ACTS = ['ack', 'mute1', 'mute8', 'go', 'no', 'replay', 'check'] as const;
export type CardAct = (typeof CARD_ACTS)[number];

/** The least role that may tap each: as at the console. */
export const CARD_ACT_NEEDS: Readonly<Record<CardAct, ApiRole>> = {
  ack: 'admin',
  mute1: 'admin',
  mute8: 'admin',
  go: 'admin',
  no: 'admin',
  replay: 'admin',
  check: 'support',
};

/** What a tapped button says of itself: the act, the card, and which of its alerts is meant; all of them without. */
export type CardTap = { act: CardAct; card: string; index: number | undefined };

/** At most 64 bytes, as Telegram wants it. */
export const tapData = ({ act, card, index }: CardTap): string =>
  index === undefined ? `${act}.${card}` : `${act}.${card}.${index}`;

/** Undefined for data that no button of ours has. */
export function readTap(data: string): CardTap | undefined {
  const [, word, card, index] = /^([a-z\d]{2,6})\.([\w-]{12})(?:\.(\d{1,2}))?$/.exec(data) ?? [];
  const act = CARD_ACTS.find((one) => one === word);
  if (act === undefined || card === undefined) return undefined;
  return { act, card, index: index === undefined ? undefined : Number(index) };
}
