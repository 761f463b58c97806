import type { SandboxUser, Status, Strategy } from './model.ts';
import type { PanelState } from './state.ts';

const DAY_MS = 86_400_000;

const PLACES = [
  ['Amsterdam', 'NL'],
  ['Frankfurt', 'DE'],
  ['Helsinki', 'FI'],
  ['Stockholm', 'SE'],
  ['Warsaw', 'PL'],
  ['New York', 'US'],
  ['Singapore', 'SG'],
  ['Berlin', 'DE'],
] as const;

const STRATEGIES: readonly Strategy[] = ['NO_RESET', 'DAY', 'WEEK', 'MONTH', 'MONTH_ROLLING'];

/**
 * Adds users like those of a shop, always the same for the same count: one in ten DISABLED, one in ten EXPIRED up to 60 days ago, one in
 * fifty LIMITED, the others ACTIVE for 1 hour to 60 days more. Four of five have a Telegram id.
 */
export function seedUsers(state: PanelState, count: number): void {
  const now = state.clock.now();
  for (let i = 1; i <= count; i++) {
    const status = statusOf(i);
    const spread = (i * 7919) % 1440;
    const expireAt = status === 'EXPIRED' ? now - (spread + 1) * 3_600_000 : now + (spread + 1) * 3_600_000;
    const limit = i % 2 === 0 || status === 'LIMITED' ? 100 * 1024 ** 3 : 0;
    state.users.create(
      {
        username: `user_${String(i).padStart(6, '0')}`,
        status,
        expireAt,
        createdAt: now - 90 * DAY_MS + i * 1000,
        telegramId: i % 5 === 0 ? null : 100_000_000 + i,
        trafficLimitBytes: limit,
        trafficLimitStrategy: STRATEGIES[i % STRATEGIES.length]!,
        usedTrafficBytes: status === 'LIMITED' ? limit : (i * 104_729) % (50 * 1024 ** 3),
        onlineAt: onlineOf(i, status, now),
      },
      true,
    );
  }
}

/** The name and the country of the nth node, from 1. */
export function placeOf(n: number): { name: string; countryCode: string } {
  const [city, countryCode] = PLACES[(n - 1) % PLACES.length]!;
  return { name: `${city} ${Math.ceil(n / PLACES.length)}`, countryCode };
}

export function seedNodes(state: PanelState, count: number): void {
  for (let i = 1; i <= count; i++) {
    state.addNode({
      ...placeOf(i),
      usersOnline: 10 + ((i * 37) % 90),
      trafficUsedBytes: i * 1024 ** 4,
      trafficBytesPerSecond: i * 1_000_000,
    });
  }
}

function statusOf(i: number): Status {
  if (i % 10 === 3) return 'DISABLED';
  if (i % 10 === 7) return 'EXPIRED';
  return i % 50 === 0 ? 'LIMITED' : 'ACTIVE';
}

function onlineOf(i: number, status: Status, now: number): SandboxUser['onlineAt'] {
  if (i % 4 === 0) return null;
  return status === 'ACTIVE' && i % 3 === 0 ? now - 10_000 : now - i * 60_000;
}
