import type { Evidence, Violation } from '../evidence.ts';

/** What staff decided is carried out: a broadcast that was sent ends as sent, one that was cancelled as cancelled. */
export function decisionsWrong({ asked, broadcasts }: Evidence): Violation[] {
  return asked.broadcasts
    .filter(({ id, wish }) => wish !== undefined && broadcasts.get(id) !== wish)
    .map(({ atMs, id, wish }) => ({
      rule: 'each decision carried out',
      atMs,
      what: `broadcast ${id} is ${broadcasts.get(id) ?? 'gone'}, should be ${wish}`,
    }));
}
