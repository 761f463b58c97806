import { html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { nearest } from '../lib/nearest.ts';
import { howMany } from '../lib/quantities.ts';
import type { ZonedClock } from '../lib/zoned-clock.ts';

/** What a text may name of the customer who reads it. */
export const BROADCAST_VARIABLES = ['username', 'days_left', 'expires_at', 'plan'] as const;
export type BroadcastVariable = (typeof BROADCAST_VARIABLES)[number];

/** The customer who reads the text; a fact that is not known is left out. */
export type BroadcastReader = {
  username?: string | undefined;
  expireAt?: Date | undefined;
  planName?: string | undefined;
};

const VARIABLE = /\{([A-Za-z_]+)\}/g;

/** Why a text cannot be used, in words that go behind the name of its field; undefined where nothing is wrong. */
export function wrongVariables(text: string, locale: Locale): string | undefined {
  const wrong = namesIn(text).find((name) => !isVariable(name));
  if (wrong === undefined) return undefined;
  const [like] = nearest(wrong.toLowerCase(), BROADCAST_VARIABLES);
  const known = BROADCAST_VARIABLES.map((name) => `{${name}}`).join(', ');
  if (locale === 'ru')
    return `называет {${wrong}}, чего о клиенте неизвестно${like ? `; может быть, {${like}}?` : ''} (можно ${known})`;
  return `names {${wrong}}, which is not known of a customer${like ? `; did you mean {${like}}?` : ''} (known: ${known})`;
}

/** Whether a text names something of the customer. */
export const hasVariables = (text: string): boolean => namesIn(text).some(isVariable);

/** The text as this customer reads it; undefined where it names something that is not known of them. */
export function broadcastText(
  text: string,
  reader: BroadcastReader,
  { clock, locale, now }: { clock: ZonedClock; locale: Locale; now: Date },
): string | undefined {
  const { expireAt, planName, username } = reader;
  const known: Readonly<Record<BroadcastVariable, () => string | undefined>> = {
    username: () => username,
    days_left: () => expireAt && howMany(daysUntil(expireAt, now), 'day', locale),
    expires_at: () => expireAt && `${clock.minute(expireAt)} ${clock.label(expireAt, locale)}`,
    plan: () => planName,
  };
  // Only of what the text names: a broadcast to 100,000 would spend more on the others than on all the rest of a message.
  const values = new Map([...new Set(namesIn(text))].filter(isVariable).map((name) => [name, known[name]()]));
  if ([...values.values()].includes(undefined)) return undefined;
  return text.replaceAll(VARIABLE, (written, name: string) =>
    isVariable(name) ? html`${values.get(name) ?? ''}`.toString() : written,
  );
}

/** Begun days count: 25 hours are two. A subscription that has ended has none left. */
const daysUntil = (end: Date, now: Date): number => Math.max(0, Math.ceil((end.getTime() - now.getTime()) / DAY_MS));
const DAY_MS = 86_400_000;

const namesIn = (text: string): string[] => [...text.matchAll(VARIABLE)].map(([, name]) => name!);

const isVariable = (name: string): name is BroadcastVariable =>
  (BROADCAST_VARIABLES as readonly string[]).includes(name);
