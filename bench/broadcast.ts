import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { minutes } from '../src/lib/duration.ts';
import { until } from '../src/testing/until.ts';
import { expireLeases } from '../src/testing/world/notifications.ts';
import type { RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';
import type { Figure, Measure } from './harness/measure.ts';
import { startPanel } from './harness/panel.ts';
import { residentMbUntil } from './harness/process-usage.ts';
import { type Sandbox, startSandbox } from './harness/sandbox.ts';
import { median } from './harness/statistics.ts';

/** Three conditions, two of the panel's and one of the platform's. They are met by a little less than half of the panel's users. */
const SEGMENT = { status: ['ACTIVE'], ends: { from_days: 0, to_days: 50 }, paid_within_days: 30 };
const MANY = 216_000;
const FEW = 6_500;

/** Of the messages, when what happens. */
const FAULTS = [
  { at: 0.4, what: 'kill' },
  { at: 0.5, what: 'flushall' },
  { at: 0.6, what: 'kill' },
  { at: 0.7, what: 'postgres' },
  { at: 0.8, what: 'kill' },
] as const;
type TimedFault = { at: number; what: 'kill' | 'flushall' | 'postgres' };
const KILLS = FAULTS.filter(({ what }) => what === 'kill').length;
/** With a limit, so that an estimate of the time can be wrong. */
const LIMITED = '1000';
const WITHOUT_LIMIT = '100000';
const SAMPLE_EVERY_MS = 500;
/** A look takes the database or the sandbox tens of milliseconds: half of a core, at the usual pace of tests. */
const LOOK_EVERY_MS = 500;
const IDLE_FOR_MS = 10_000;
const LIMIT_MS = minutes(20);
/** Sends of one worker at once, where answers come within 32 ms: see `telegram-limiter.ts`. */
const IN_FLIGHT = 48;
/** A message that arrived so long before a kill may have had no record yet: those of `test/chaos/invariants/doubts.ts`. */
const IN_FLIGHT_MS = 1_000;

export const measure: Measure = {
  title: 'a planned broadcast: its estimate, the memory for it, and each chat once through kills and restarts',
  limits:
    'Without limit, the core of the sender, as in notification-drain: a planned message costs a share of one statement more, which notes as what it arrived. What Telegram had answered and nobody had recorded when a worker was killed is sent again; nothing else is. In a slower hour of 2026-12-01 the same two cores made 854 a second, 873 with a young generation of 8 MiB, and were 14 to 22 % over the estimate: the bar has little room on such a machine.',

  async run(scale) {
    const users = scale === 'full' ? MANY : FEW;
    await using sandbox = await startSandbox(['--no-limits']);
    await using panel = await startPanel(users);
    const token = randomBytes(16).toString('hex');
    await using world = await World.start({
      durable: true,
      appendonly: true,
      env: {
        ...{ REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token, API_TOKENS: `olga:${token}` },
        ...{ TELEGRAM_API_URL: sandbox.url, TELEGRAM_BOT_TOKEN: sandbox.token, TELEGRAM_RATE_PER_SECOND: LIMITED },
      },
    });
    const installed = await world.command(['schema', 'install']);
    if (installed.code !== 0) throw new Error(installed.stderr);
    await fillPlatform(world, users);
    const bench = new Bench(world, sandbox, token, await world.startScheduler());
    const known = await chatsBySql(world, panel);
    const calm = await bench.calm();
    const one = await bench.stormy('one', [{ at: 0.5, what: 'kill' }]);
    const stormy = await bench.stormy('stormy', FAULTS);
    const figures: Figure[] = [
      { what: 'chats of the segment', unit: '', samples: [calm.chats] },
      { what: 'count − SQL', unit: 'chats', samples: [Math.abs(calm.counted - known)], bar: { neverOver: 0 } },
      { what: 'estimate, time', unit: 's', samples: [calm.estimateSeconds] },
      { what: 'time', unit: 's', samples: [calm.seconds] },
      {
        what: 'estimate off, of the time',
        unit: '%',
        samples: [(Math.abs(calm.estimateSeconds - calm.seconds) / calm.seconds) * 100],
        bar: { atMost: 10 },
      },
      { what: 'memory above idle', unit: 'MB', samples: [calm.aboveIdleMb], bar: { atMost: 80 } },
      { what: 'memory, last quarter above the second', unit: 'MB', samples: [calm.growthMb], bar: { atMost: 8 } },
      { what: 'first message after', unit: 's', samples: [calm.firstAfterSeconds] },
      { what: 'without limit, a kill in the middle', unit: '/s', samples: [one.perSecond], bar: { atLeast: 1000 } },
      { what: 'without limit, through all of it', unit: '/s', samples: [stormy.perSecond] },
      { what: 'lost', unit: '', samples: [calm.lost, one.lost, stormy.lost], bar: { neverOver: 0 } },
      { what: 'sent twice', unit: '', samples: [calm.twice, one.twice, stormy.twice], bar: { neverOver: 0 } },
      {
        what: 'sent twice, in flight at one of three kills',
        unit: '',
        samples: [stormy.inFlight],
        bar: { neverOver: KILLS * IN_FLIGHT },
      },
    ];
    return {
      figures,
      notes: [
        `${users} panel users, of whom four of five have a chat and are customers; nine of ten customers have paid within 30 days. The segment: ${JSON.stringify(SEGMENT)}.`,
        'First with a rate of 1,000/s in the settings, undisturbed: count, estimate, memory (resident set of the worker, sampled every 500 ms; idle is its median over 10 s). Then twice with 100,000/s: with one `kill -9` of the worker at 50 %; and through all of it, `kill -9` at 40, 60 and 80 %, FLUSHALL at 50 %, a restart of PostgreSQL at 70 %.',
        'Rates are from the first message to the last that is due, with the starts of workers in them, and with the segment that is read beside it, on the same two cores as the sandboxes of panel and Telegram.',
        'SQL counts in a table that this measure fills from the listing of the panel. Lost and sent twice are counted at the Telegram sandbox, a process of its own, as is the panel.',
        'Rows of a killed worker are due again after their lease of five minutes; here the leases are ended once nothing else is due.',
      ],
    };
  },
};

type Calm = {
  chats: number;
  counted: number;
  estimateSeconds: number;
  seconds: number;
  aboveIdleMb: number;
  growthMb: number;
  firstAfterSeconds: number;
  lost: number;
  twice: number;
};
/** `seconds` from the first to the last of them. */
type Arrived = {
  messages: number;
  firstAt: number;
  seconds: number;
  lost: number;
  twice: number;
  inFlight: number;
};
type Stormy = { perSecond: number; lost: number; twice: number; inFlight: number };

/** Sends broadcasts as staff do, and counts what arrives. */
class Bench {
  readonly #world: World;
  readonly #sandbox: Sandbox;
  readonly #token: string;
  readonly #scheduler: RoleProcess;

  constructor(world: World, sandbox: Sandbox, token: string, scheduler: RoleProcess) {
    this.#world = world;
    this.#sandbox = sandbox;
    this.#token = token;
    this.#scheduler = scheduler;
  }

  /** Undisturbed, at a rate that the estimate knows. */
  async calm(): Promise<Calm> {
    const worker = await this.#world.startWorker();
    const idleMb = median(await residentMbUntil(worker.pid, AbortSignal.timeout(IDLE_FOR_MS)));
    const { chats, seconds: estimateSeconds, told } = await this.#call<Estimate>('/broadcast-estimates', draft('calm'));
    const done = new AbortController();
    const sampling = residentMbUntil(worker.pid, done.signal, SAMPLE_EVERY_MS);
    const sentAt = await this.#send('calm');
    await this.#untilSettled('all');
    done.abort();
    const samples = await sampling;
    const highestMb = (quarter: number): number =>
      Math.max(...samples.slice((samples.length * (quarter - 1)) / 4, (samples.length * quarter) / 4));
    await worker.stop();
    const { firstAt, lost, seconds, twice } = await this.#arrived(told);
    return {
      ...{ chats, counted: told, estimateSeconds, lost, seconds, twice },
      aboveIdleMb: Math.max(...samples) - idleMb,
      growthMb: highestMb(4) - highestMb(2),
      firstAfterSeconds: (firstAt - sentAt) / 1000,
    };
  }

  /** Without limit, and with all that happens to workers and servers. */
  async stormy(name: string, faults: readonly TimedFault[]): Promise<Stormy> {
    await this.#sandbox.forget();
    const env = { TELEGRAM_RATE_PER_SECOND: WITHOUT_LIMIT };
    let worker = await this.#world.startWorker(env);
    const { told } = await this.#call<Estimate>('/broadcast-estimates', draft(name));
    await this.#send(name);
    const kills: number[] = [];
    for (const { at, what } of faults) {
      await rarely(`${at} of all have arrived`, async () => (await this.#total()) >= told * at);
      if (what === 'flushall') await this.#world.redisClient.flushall();
      if (what === 'postgres') await this.#world.postgres.restart();
      if (what !== 'kill') continue;
      kills.push(Date.now());
      await worker.kill();
      kills.push(Date.now());
      worker = await this.#world.startWorker(env);
    }
    await this.#untilSettled('due');
    const perSecond = rate(await this.#arrived(told));
    await worker.stop();
    await expireLeases(this.#world.pool);
    worker = await this.#world.startWorker(env);
    await this.#untilSettled('all');
    await worker.stop();
    const { inFlight, lost, twice } = await this.#arrived(told, kills);
    return { perSecond, inFlight, lost, twice };
  }

  /** Answers when it was sent, in milliseconds since 1970. */
  async #send(name: string): Promise<number> {
    const { id } = await this.#call<{ id: string }>('/broadcasts', { ...draft(name), name });
    const sentAt = Date.now();
    await this.#call(`/broadcasts/${id}/send`, {});
    return sentAt;
  }

  async #call<T>(path: string, body: object): Promise<T> {
    const response = await fetch(`${this.#scheduler.httpUrl}/api/v1${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async #total(): Promise<number> {
    return (await this.#sandbox.stats()).total;
  }

  /** Rows that are not settled, those under leases or not, and broadcasts that have not queued all of theirs. */
  async #unsettled(which: 'due' | 'all'): Promise<number> {
    const { rows } = await this.#world.pool.query<{ unsettled: number }>(
      `select (select count(*) from notification_queue
                where notification_type = 'broadcast:planned' and status = 'pending' and ($1 = 'all' or scheduled_at <= now()))::int
            + (select count(*) from task_worker.broadcasts where filled_at is null)::int as unsettled`,
      [which],
    );
    return rows[0]!.unsettled;
  }

  async #untilSettled(which: 'due' | 'all'): Promise<void> {
    await rarely(`${which} is settled`, async () => (await this.#unsettled(which)) === 0);
  }

  /**
   * What arrived, against those who were to be told, without what staff are told meanwhile. A copy of what had just arrived at a kill counts
   * on its own.
   */
  async #arrived(told: number, kills: readonly number[] = []): Promise<Arrived> {
    const ours = (await this.#sandbox.messages()).filter(({ text }) => /^(calm|one|stormy) /.test(text));
    const found = Map.groupBy(ours, ({ chat_id: chat }) => chat);
    const again = [...found.values()].filter((messages) => messages.length > 1);
    const wasInFlight = again.filter((messages) => {
      const first = Math.min(...messages.map(({ at }) => at));
      return messages.length === 2 && kills.some((kill) => first >= kill - IN_FLIGHT_MS && first <= kill);
    });
    const firstAt = ours.reduce((first, { at }) => Math.min(first, at), Number.POSITIVE_INFINITY);
    const lastAt = ours.reduce((last, { at }) => Math.max(last, at), 0);
    return {
      ...{ messages: ours.length, firstAt, seconds: (lastAt - firstAt) / 1000 },
      ...{ lost: told - found.size, twice: again.length - wasInFlight.length, inFlight: wasInFlight.length },
    };
  }
}

const rate = ({ messages, seconds }: Arrived): number => (messages - 1) / seconds;

async function rarely(what: string, condition: () => Promise<boolean>): Promise<void> {
  const slowly = async (): Promise<boolean> => {
    await delay(LOOK_EVERY_MS);
    return await condition();
  };
  await until(what, slowly, LIMIT_MS);
}

type Estimate = { chats: number; told: number; seconds: number };

const draft = (name: string) => ({ segment: SEGMENT, texts: { en: `${name} {username}` } });

/** A customer for each chat of the panel, and a payment of each: one in ten has paid long ago. */
async function fillPlatform({ pool }: World, users: number): Promise<void> {
  await pool.query(
    `insert into mobile_users (id, email, password_hash, telegram_id, is_active, status)
     select gen_random_uuid(), n || '@example.com', 'x', 100000000 + n, true, 'active'
       from generate_series(1, $1::int) as n where n % 5 <> 0`,
    [users],
  );
  await pool.query(
    `insert into payments (id, user_uuid, amount, currency, status, provider, subscription_days, created_at, updated_at)
     select gen_random_uuid(), id, 5, 'USD', 'completed', 'cryptobot', 30, paid_at, paid_at
       from (select id, now() - case when telegram_id % 10 = 1 then interval '60 days' else interval '5 days' end as paid_at
               from mobile_users) as customer`,
  );
  await pool.query('analyze');
}

/** How many chats the segment has, by a join over what the panel lists and the tables of the platform. */
async function chatsBySql({ pool }: World, { token, url }: { url: string; token: string }): Promise<number> {
  await pool.query('create table bench_panel (chat bigint, status text, expire_at timestamptz)');
  let cursor: string | null = '0';
  while (cursor !== null) {
    const response = await fetch(`${url}/api/users/stream?size=1000&cursor=${cursor}`, {
      // The panel closes connections that come through no proxy.
      headers: {
        authorization: `Bearer ${token}`,
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'https',
      },
    });
    const { response: page } = (await response.json()) as { response: Page };
    await pool.query(`insert into bench_panel select * from unnest($1::bigint[], $2::text[], $3::timestamptz[])`, [
      page.users.map(({ telegramId }) => telegramId),
      page.users.map(({ status }) => status),
      page.users.map(({ expireAt }) => expireAt),
    ]);
    cursor = page.nextCursor;
  }
  const { rows } = await pool.query<{ chats: number }>(
    `select count(distinct chat)::int as chats from bench_panel
       join mobile_users as customer on customer.telegram_id = chat
      where bench_panel.status = 'ACTIVE' and expire_at >= now() and expire_at < now() + interval '50 days'
        and exists (select from payments where user_uuid = customer.id and payments.status = 'completed'
                                           and payments.updated_at >= now() - interval '30 days')`,
  );
  await pool.query('drop table bench_panel');
  return rows[0]!.chats;
}

type Page = {
  users: { telegramId: number | null; status: string; expireAt: string }[];
  nextCursor: string | null;
};
