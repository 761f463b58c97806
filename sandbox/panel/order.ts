import type { SandboxUser } from './model.ts';

export type Sorting = { id: string; desc: boolean }[];

const SORTABLE: Readonly<Record<string, (user: SandboxUser) => number | string>> = {
  createdAt: (user) => user.createdAt,
  expireAt: (user) => user.expireAt,
  username: (user) => user.username,
  uuid: (user) => user.uuid,
};

/** Compares by each column in turn; unknown ones count as equal. */
export function comparing(sorting: Sorting): (a: SandboxUser, b: SandboxUser) => number {
  const orders = sorting.map(({ id, desc }) => ({ of: SORTABLE[id] ?? (() => 0), sign: desc ? -1 : 1 }));
  return (a, b) => {
    for (const { of, sign } of orders) {
      const [left, right] = [of(a), of(b)];
      if (left !== right) return left < right ? -sign : sign;
    }
    return 0;
  };
}
