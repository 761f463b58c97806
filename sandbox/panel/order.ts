import type { SandboxUser } from './model.ts';

export type Sorting = { id: string; desc: boolean }[];

const SORTABLE: Readonly<Record<string, (user: SandboxUser) => number | string>> = {
  createdAt: (user) => user.createdAt,
  expireAt: (user) => user.expireAt,
  username: (user) => user.username,
  uuid: (user) => user.uuid,
  id: (user) => user.id,
  status: (user) => user.status,
  // As PostgreSQL: who has none comes last.
  telegramId: (user) => user.telegramId ?? Number.POSITIVE_INFINITY,
};

/** Whether the panel's table has these columns; by another one it cannot sort. Users of 3.x have no uuid. */
export function canSortBy(sorting: Sorting, hasUuids: boolean): boolean {
  return sorting.every(({ id }) => id in SORTABLE && (hasUuids || id !== 'uuid'));
}

/** Compares by each column in turn. */
export function comparing(sorting: Sorting): (a: SandboxUser, b: SandboxUser) => number {
  const orders = sorting.map(({ id, desc }) => ({ of: SORTABLE[id]!, sign: desc ? -1 : 1 }));
  return (a, b) => {
    for (const { of, sign } of orders) {
      const [left, right] = [of(a), of(b)];
      if (left !== right) return left < right ? -sign : sign;
    }
    return 0;
  };
}
