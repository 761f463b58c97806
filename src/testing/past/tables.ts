import type { Pool } from 'pg';
import { placeOf } from '../../../sandbox/panel/seed.ts';
import { nodeUuidOf } from '../../../sandbox/panel/wire.ts';

/** How much past there is. The same size and seed give the same rows, up to their ids and the moment at which they are made. */
export type PastSize = {
  days: number;
  runs: number;
  notifications: number;
  payments: number;
  /** Customers of the platform, the twenty of the seed data included; at most 9,999. */
  customers: number;
  nodes: number;
  seed: string;
};

/** A number from 0 to 1 of each row, by the seed: no row depends on another one. */
const dice = (salt: string): string =>
  `(('x' || substr(md5($1 || ':${salt}:' || n), 1, 8))::bit(32)::bigint / 4294967296.0)`;

/** Row `n` of `$2` lies so long ago, the last one now. More happens by day than at night. */
const AGO = `make_interval(secs => $3::float8 * 86400 * power(1 - n::float8 / $2, 1.0) * (0.999 + 0.001 * ${dice('when')}))`;

const TASKS = [
  ...['process_notification_queue', 'check_server_health', 'send_notification', 'verify_pending_payments'],
  ...['monitor_queue_depth', 'check_external_services', 'look_at_panel_users', 'collect_bandwidth_snapshots'],
  ...['process_payment_completion', 'check_expiring_subscriptions', 'send_otp_email', 'sync_user_stats'],
];
const ERRORS = [
  'remnawave: no answer within 15000 ms; is the panel up?',
  'telegram: 429 too many requests, retry after 7 s',
  'cryptobot: 502 Bad Gateway',
  'smtp: 421 too many connections',
];

/** Fills the platform's tables and our own schema with a past, from before this world began. The own schema must be installed. */
export async function fillPast(pool: Pool, size: PastSize): Promise<void> {
  const { days, notifications, payments, runs, seed } = size;
  const rows = (count: number): (number | string)[] => [seed, count, days];
  await customers(pool, size);
  await pool.query(
    `select task_worker.keep_run_days(((now() - make_interval(days => ago)) at time zone 'UTC')::date, 365)
       from generate_series(0, $1::int + 1) as ago`,
    [days],
  );
  await pool.query(
    `with made as (
       select n, now() - ${AGO} as at, (array['${TASKS.join("','")}'])[1 + floor(12 * power(${dice('task')}, 2))::int] as task,
              case when ${dice('fate')} < 0.012 then 'error' when ${dice('fate')} < 0.03 then 'retry' else 'success' end as outcome,
              20 + 900 * power(${dice('long')}, 6) as took, 1 + floor(4 * ${dice('error')})::int as error
         from generate_series(1, $2::int) as n)
     insert into task_worker.runs (id, job_id, task, queue, outcome, attempt, queued_at, ended_at, duration_ms, waited_ms,
            correlation_id, initiated_by, source, customer, payload, error_class, error_text, error_fingerprint)
     select gen_random_uuid(), 'past-' || n, task, 'monitoring', outcome, 1, at, at, took, 3, 'past-' || n, 'schedule', 'schedule',
            case when n % 5 = 0 then (100001 + n % 20)::text end, '{}',
            case when outcome <> 'success' then 'TransientError' end,
            case when outcome <> 'success' then (array['${ERRORS.join("','")}'])[error] end,
            case when outcome <> 'success' then lpad(to_hex(error), 16, '0') end
       from made`,
    rows(runs),
  );
  await pool.query(
    `insert into task_worker.run_hours (task, hour, succeeded, retried, failed, cancelled, total_ms, longest_ms)
     select task, date_trunc('hour', ended_at, 'UTC'), count(*) filter (where outcome = 'success'),
            count(*) filter (where outcome = 'retry'), count(*) filter (where outcome = 'error'), 0, sum(duration_ms), max(duration_ms)
       from task_worker.runs group by 1, 2 on conflict do nothing`,
  );
  await pool.query(
    `insert into notification_queue (id, telegram_id, message, notification_type, status, attempts, scheduled_at, sent_at, error_message, created_at)
     select gen_random_uuid(), 100001 + n % $4::int, (array['Your subscription ends in 3 days.', 'Payment received, thank you!', 'Подписка закончится через 24 часа.', 'Node maintenance tonight.'])[1 + n % 4],
            (array['subscription_expiring', 'payment_success', 'subscription_expiring', 'info'])[1 + n % 4],
            case when ${dice('sent')} < 0.985 then 'sent' else 'failed' end, 1, at, case when ${dice('sent')} < 0.985 then at + interval '4 seconds' end,
            case when ${dice('sent')} >= 0.985 then (array['blocked: bot was blocked by the user', 'chat_not_found: chat not found', 'given_up: no answer'])[1 + n % 3] end, at
       from generate_series(1, $2::int) as n, lateral (select now() - interval '10 minutes' - ${AGO} as at) as due`,
    [...rows(notifications), size.customers],
  );
  await pool.query(
    `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, plan_id, metadata, created_at, updated_at)
     select gen_random_uuid(), 'past-' || n, ${CUSTOMER_OF}, (array[2.99, 5.99, 5.99, 49.99])[1 + n % 4], 'USD',
            case when ${dice('paid')} < 0.93 then 'completed' else 'failed' end, 'cryptobot', 30,
            '00000000-0000-4000-8000-00000000a002', json_build_object('worker', json_build_object('activation', 'done', 'done_at', ${ISO}, 'settled_by', 'worker')),
            at, at + interval '2 minutes'
       from generate_series(1, $2::int) as n, lateral (select now() - interval '1 hour' - ${AGO} as at) as made`,
    [...rows(payments), size.customers],
  );
  await network(pool, size);
  await acts(pool);
  await pool.query('analyze');
}

const CUSTOMER_OF = `format('00000000-0000-4000-8000-0000000c%s', lpad((1 + n % $4::int)::text, 4, '0'))::uuid`;
const ISO = `to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

async function customers(pool: Pool, { customers: count }: PastSize): Promise<void> {
  await pool.query(
    `insert into mobile_users (id, email, password_hash, username, telegram_id, is_active, status, created_at)
     select format('00000000-0000-4000-8000-0000000c%s', lpad(n::text, 4, '0'))::uuid, format('customer%s@example.com', n), 'not-a-hash',
            format('customer%s', n), 100000 + n, true, 'active', now() - interval '40 days'
       from generate_series(21, $1::int) as n on conflict do nothing`,
    [count],
  );
}

/** Outages of nodes and of Telegram with their alerts, the uptime of each day, and maintenance that is over and that is to come. */
async function network(pool: Pool, { days, nodes, seed }: PastSize): Promise<void> {
  const uuids = Array.from({ length: nodes }, (_, n) => nodeUuidOf(n + 1));
  const names = uuids.map((_, n) => placeOf(n + 1).name);
  await pool.query(
    `insert into task_worker.node_days (node, day, name, up_ms, down_ms, looked_at)
     select node, (now() at time zone 'UTC')::date - ago, ($4::text[])[n], 86400000 - down, down, now() - make_interval(days => ago)
       from unnest($2::text[]) with ordinality as given(node, n), generate_series(1, greatest(90, $3::int)) as ago,
            lateral (select case when ${dice("' || ago || '")} < 0.06 then floor(${dice("down' || ago || '")} * 5400000)::bigint else 0 end as down) as of_day
     on conflict do nothing`,
    [seed, uuids, days, names],
  );
  await pool.query(
    `insert into task_worker.incidents (id, kind, subject, name, began_at, ended_at, reason, users_affected, acknowledged_by, acknowledged_at)
     select gen_random_uuid(), case when n % 5 = 0 then 'service' else 'node' end, case when n % 5 = 0 then 'telegram' else ($2::text[])[1 + n % array_length($2::text[], 1)] end,
            case when n % 5 = 0 then 'telegram' else ($4::text[])[1 + n % array_length($2::text[], 1)] end,
            at, at + make_interval(mins => 4 + floor(80 * ${dice('how long')})::int), 'no answer', floor(300 * ${dice('users')})::int,
            case when n % 2 = 0 then 'token:olga' end, case when n % 2 = 0 then at + interval '6 minutes' end
       from generate_series(1, 12) as n, lateral (select now() - make_interval(hours => floor($3::int * 2 * n * ${dice('at')})::int + 5) as at) as began`,
    [seed, uuids, days, names],
  );
  await pool.query(
    `insert into task_worker.alerts (id, alert, kind, subject, severity, lasts, began_at, told_at, ended_at, text, acknowledged_by, acknowledged_at)
     select gen_random_uuid(), 'past:' || id, case kind when 'node' then 'node_offline' else 'service_down' end, name,
            case kind when 'node' then 'critical' else 'warning' end, true, began_at, began_at, ended_at, name || ': no answer', acknowledged_by, acknowledged_at
       from task_worker.incidents`,
  );
  await pool.query(
    `insert into task_worker.maintenance_windows (id, node, name, begins_at, ends_at, reason, made_by, made_at)
     select gen_random_uuid(), node, ($2::text[])[n], at, at + interval '2 hours', 'a new kernel', 'token:olga', at - interval '1 day'
       from unnest($1::text[]) with ordinality as given(node, n),
            lateral (select now() + make_interval(days => (case n when 1 then 2 else -3 * n end)::int) as at) as planned
      where n <= 4`,
    [uuids, names],
  );
}

/** What people did: broadcasts that are over, decisions and pauses in the audit trail, and payments that wait for a person. */
async function acts(pool: Pool): Promise<void> {
  await pool.query(
    `insert into task_worker.broadcasts (id, name, segment, texts, holdout_percent, state, send_at, sent_by, created_by, created_at, begun_at, filled_at, ended_at)
     select gen_random_uuid(), name, '{"status": ["ACTIVE"]}', jsonb_build_object('en', text, 'ru', text), 10, 'done', at, 'token:olga', 'token:olga', at - interval '2 hours', at, at + interval '1 minute', at + interval '20 minutes'
       from (values ('Autumn sale', 'Half the price until Sunday, {username}!', interval '11 days'), ('New node in Tallinn', 'Tallinn is open.', interval '4 days')) as given(name, text, ago),
            lateral (select now() - ago as at) as sent`,
  );
  await pool.query(
    `insert into task_worker.broadcast_chats (broadcast, chat, part, reason)
     select id, 100000 + n, case when n % 10 = 0 then 'held_out' when n = 7 then 'missed' when n = 13 then 'unreachable' else 'told' end,
            case when n in (7, 13) then 'blocked' end
       from task_worker.broadcasts, generate_series(1, 20) as n where state = 'done'`,
  );
  await pool.query(
    `insert into audit_logs (id, action, entity_type, entity_id, new_value, ip_address, created_at)
     select gen_random_uuid(), action, kind, subject, jsonb_build_object('by', 'token:' || person, 'role', 'admin') || more, '203.0.113.7', now() - ago
       from (values
         ('schedule.paused', 'schedule', 'archive_old_audit_logs', 'sam', '{"reason": "the disk of the archive is full"}'::jsonb, interval '9 days'),
         ('schedule.resumed', 'schedule', 'archive_old_audit_logs', 'sam', '{}', interval '8 days'),
         ('brake.confirmed', 'brake', 'disable_expired_users', 'olga', '{"decision": "only_these", "held": "would touch 121 of 518 users: too many at once"}', interval '6 days'),
         ('approval.asked', 'approval', 'past', 'sam', '{"subject": "execute_bulk_user_operation", "touches": 240}', interval '5 days'),
         ('approval.approved', 'approval', 'past', 'olga', '{"subject": "execute_bulk_user_operation", "touches": 240}', interval '5 days'),
         ('broadcast.sent', 'broadcast', 'New node in Tallinn', 'olga', '{}', interval '4 days'),
         ('node.maintenance_planned', 'node', 'Amsterdam 1', 'olga', '{"reason": "a new kernel"}', interval '1 day')
       ) as given(action, kind, subject, person, more, ago)`,
  );
  await pool.query(
    `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, plan_id, metadata, created_at, updated_at)
     select gen_random_uuid(), 'past-waits-' || why, '00000000-0000-4000-8000-0000000c0004', 5.99, 'USD', 'completed', 'cryptobot', 30, '00000000-0000-4000-8000-00000000a002',
            json_build_object('worker', json_build_object('needs', json_build_object('why', why, 'since', ${ISO}))), at, at
       from (values ('given_or_not', interval '7 hours'), ('unknown_purchase', interval '2 days')) as given(why, ago), lateral (select now() - ago as at) as made`,
  );
}
