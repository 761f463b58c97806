import { Client } from 'pg';

/** Numbers of users, from and to. */
export type Group = { readonly from: number; readonly to: number };
export type Groups = Readonly<Record<(typeof NAMES)[number], Group>>;

const NAMES = ['pay', 'disable', 'reset', 'enable', 'remove', 'remind', 'expired', 'lapsed', 'monthly'] as const;
const SIZES: Readonly<Record<(typeof NAMES)[number], number>> = {
  ...{ pay: 100, disable: 2_000, reset: 2_000, enable: 200, remove: 100, remind: 500, expired: 200 },
  ...{ lapsed: 500, monthly: 500 },
};

/** The users of a round, who are nobody else's. */
export function GROUPS(round: number): Groups {
  let next = (round - 1) * 7_000;
  const taken = NAMES.map((name) => {
    const from = next;
    next += SIZES[name];
    return [name, { from, to: next }] as const;
  });
  return Object.fromEntries(taken) as Groups;
}

export type BesideUser = { number: number; key: string; telegramId: number };
const within = ({ from, to }: Group): string =>
  `substr(username, 8)::int >= ${from} and substr(username, 8)::int < ${to}`;

type State = { status: string; expireAt: number; used: number };

const DAY_MS = 86_400_000;

/** Users of a real panel, by its database: written before a round, and compared after it. */
export class BesideUsers {
  readonly #databaseUrl: string;
  readonly #count: number;
  #before = new Map<number, State>();

  constructor(databaseUrl: string, count: number) {
    this.#databaseUrl = databaseUrl;
    this.#count = count;
  }

  generation: 2 | 3 = 2;

  async fill(): Promise<void> {
    await this.#sql(`
      insert into users (short_uuid, username, expire_at, trojan_password, vless_uuid, ss_password, telegram_id)
      select 'short' || i, 'person_' || i, now() + interval '200 days', 'trojan' || i, gen_random_uuid(), 'ss' || i, 700000 + i
      from generate_series(0, ${this.#count - 1}) i`);
    await this.#sql('insert into user_traffic (t_id, used_traffic_bytes) select t_id, 1000 from users');
  }

  /** Brings the groups into the states that work is due for, and remembers how everybody stands. */
  async prepare({ enable, expired, lapsed, monthly, remind }: Groups): Promise<void> {
    await this.#look();
    await this.#sql(`update users set status = 'DISABLED' where ${within(enable)}`);
    await this.#sql(`update users set expire_at = now() + interval '60 hours' where ${within(remind)}`);
    await this.#sql(
      `update users set expire_at = now() - interval '1 hour', status = 'EXPIRED' where ${within(expired)}`,
    );
    await this.#sql(`update users set expire_at = now() - interval '1 hour' where ${within(lapsed)}`);
    await this.#sql(`update users set traffic_limit_bytes = 1000000000, traffic_limit_strategy = 'NO_RESET',
      created_at = now() - interval '60 days', last_traffic_reset_at = null where ${within(monthly)}`);
    this.#before = await this.#states();
  }

  async of(group: Group): Promise<BesideUser[]> {
    await this.#look();
    const key = this.generation === 2 ? 'uuid' : 'id';
    const rows =
      await this.#sql(`select ${key}::text as key, substr(username, 8)::int as number, telegram_id::int as telegram from users
      where ${within(group)} order by 2`);
    return rows.map((row) => ({ number: Number(row.number), key: String(row.key), telegramId: Number(row.telegram) }));
  }

  keysOf = async (group: Group): Promise<(string | number)[]> =>
    (await this.of(group)).map(({ key }) => (this.generation === 2 ? key : Number(key)));

  async byStatus(): Promise<Record<string, unknown>> {
    const rows = await this.#sql('select status, count(*)::int as count from users group by 1 order by 1');
    return Object.fromEntries(rows.map(({ count, status }) => [String(status), count]));
  }

  async disabledOf(group: Group): Promise<number> {
    const [row] = await this.#sql(
      `select count(*)::int as count from users where status = 'DISABLED' and ${within(group)}`,
    );
    return Number(row!.count);
  }

  /** For each group, and for all others: how often each change was found since `prepare`. */
  async verdict(groups: Groups): Promise<Record<string, Record<string, number>>> {
    const after = await this.#states();
    const verdict: Record<string, Record<string, number>> = {};
    for (const [number, before] of this.#before) {
      const [name = 'others'] = Object.entries(groups).find(([, { from, to }]) => number >= from && number < to) ?? [];
      const change = changeOf(before, after.get(number));
      const counts = verdict[name] ?? {};
      verdict[name] = counts;
      counts[change] = (counts[change] ?? 0) + 1;
    }
    return verdict;
  }

  async #states(): Promise<Map<number, State>> {
    await this.#look();
    const key = this.generation === 2 ? 't_id' : 'id';
    const rows =
      await this.#sql(`select substr(username, 8)::int as number, status, expire_at, used_traffic_bytes::float8 as used
      from users join user_traffic using (${key})`);
    return new Map(
      rows.map(({ expire_at: expireAt, number, status, used }) => [
        Number(number),
        { status: String(status), expireAt: (expireAt as Date).getTime(), used: Number(used) },
      ]),
    );
  }

  async #look(): Promise<void> {
    const rows = await this.#sql(
      "select 1 from information_schema.columns where table_name = 'users' and column_name = 't_id' and table_schema = 'public'",
    );
    this.generation = rows.length > 0 ? 2 : 3;
  }

  /** A connection for each question: the database is put back under them. */
  async #sql(text: string): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.#databaseUrl });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  }
}

function changeOf(before: State, after: State | undefined): string {
  if (!after) return 'gone';
  const days = Math.round((after.expireAt - before.expireAt) / DAY_MS);
  const parts = [
    before.status === after.status ? undefined : `${before.status} to ${after.status}`,
    days === 0 ? undefined : `${days} days`,
    before.used === after.used ? undefined : `traffic ${before.used} to ${after.used}`,
  ].filter((part) => part !== undefined);
  return parts.join(', ') || 'as before';
}
