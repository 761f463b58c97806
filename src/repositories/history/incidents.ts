import { hash } from 'node:crypto';
import { sql } from 'kysely';
import { days } from '../../lib/duration.ts';
import type { Database } from '../database.ts';

/** An alert with a beginning; one that tells what happened once has its end at its beginning. */
export type AlertNote = {
  /** `<kind>:<what>`, the same every time. */
  alert: string;
  kind: string;
  /** As people call it. */
  subject: string;
  severity: 'critical' | 'warning' | 'info';
  /** Whether it has an end of its own. */
  lasts: boolean;
  beganAt: Date;
  toldAt?: Date | undefined;
  endedAt?: Date | undefined;
  /** As the admins read it. */
  text?: string | undefined;
  /** Notes of one alert with one slot are one note; without it, those with one beginning. */
  slot?: number | undefined;
};

export type KeptAlert = Omit<AlertNote, 'slot'> & {
  id: string;
  acknowledgedBy: string | undefined;
  acknowledgedAt: Date | undefined;
  mutedUntil: Date | undefined;
};

/** A person's answer to the alert that began then. A mute whose end is in the past was ended by that person. */
export type AnswerNote = {
  alert: string;
  beganAt: Date;
  acknowledged?: { by: string; at: Date } | undefined;
  muted?: { by: string; until: Date } | undefined;
};

/** An outage of a node or a service. */
export type IncidentNote = {
  /** The alert that tells it. */
  alert: string;
  kind: 'node' | 'service';
  /** A node's uuid, or the name of a service. */
  subject: string;
  name: string;
  beganAt: Date;
  endedAt?: Date | undefined;
  reason?: string | undefined;
  /** Users who were online when it began; undefined where that is not known. */
  usersAffected?: number | undefined;
};

export type KeptIncident = Omit<IncidentNote, 'alert'> & {
  id: string;
  acknowledgedBy: string | undefined;
  acknowledgedAt: Date | undefined;
};

/** How a node was from one look to the next. */
export type NodeLook = { node: string; name: string; from: Date; to: Date; isUp: boolean };

/** One day of a node in UTC. The rest of the day is not known. */
export type NodeDay = { node: string; name: string; day: string; upMs: number; downMs: number };

export type IncidentFilter = {
  kind?: IncidentNote['kind'] | undefined;
  subject?: string | undefined;
  /** Only those that are on. */
  open?: boolean | undefined;
  /** Those that were on at this time or later. */
  from?: Date | undefined;
  limit: number;
};

/** Alerts, incidents and days of nodes in our own schema. Every write may come again and then changes nothing more. */
export class Incidents {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Notes a beginning or an end. The end of an alert whose beginning was lost makes it whole. */
  async noteAlert(note: AlertNote): Promise<void> {
    const { alert, beganAt, endedAt = null, kind, lasts, severity, slot, subject } = note;
    const { text = null, toldAt = null } = note;
    await sql`
      insert into task_worker.alerts as kept (id, alert, kind, subject, severity, lasts, began_at, told_at, ended_at, text)
      values (${idOf(alert, slot ?? beganAt)}, ${alert}, ${kind}, ${subject}, ${severity}, ${lasts}, ${beganAt}, ${toldAt}, ${endedAt}, ${text})
      on conflict (id) do update
        set told_at = coalesce(kept.told_at, excluded.told_at), ended_at = coalesce(kept.ended_at, excluded.ended_at),
            text = coalesce(kept.text, excluded.text)`.execute(this.#db);
  }

  /** Notes an answer. The first acknowledgement stands; the last mute does. */
  async noteAnswer({ acknowledged, alert, beganAt, muted }: AnswerNote): Promise<void> {
    const id = idOf(alert, beganAt);
    const [by, at] = [acknowledged?.by ?? null, acknowledged?.at ?? null];
    await sql`
      update task_worker.alerts
         set acknowledged_by = coalesce(acknowledged_by, ${by}), acknowledged_at = coalesce(acknowledged_at, ${at}::timestamptz),
             muted_by = coalesce(${muted?.by ?? null}, muted_by), muted_until = coalesce(${muted?.until ?? null}::timestamptz, muted_until)
       where id = ${id}`.execute(this.#db);
    await sql`
      update task_worker.incidents
         set acknowledged_by = coalesce(acknowledged_by, ${by}), acknowledged_at = coalesce(acknowledged_at, ${at}::timestamptz)
       where id = ${id}`.execute(this.#db);
  }

  /** What was answered to these alerts and still counts: acknowledgements of those that are on, and mutes that are not over. */
  async answersTo(alerts: readonly string[], now: Date): Promise<AnswerNote[]> {
    const { rows } = await sql<
      Pick<AlertRow, 'acknowledged_at' | 'acknowledged_by' | 'alert' | 'began_at' | 'muted_until'> & {
        muted_by: string | null;
      }
    >`
      select distinct on (alert) alert, began_at, muted_by, case when muted_until > ${now} then muted_until end as muted_until,
             case when ended_at is null then acknowledged_by end as acknowledged_by, acknowledged_at
        from task_worker.alerts where alert = any(${alerts}::text[]) and lasts
       order by alert, began_at desc`.execute(this.#db);
    return rows.map((row) => ({
      ...{ alert: row.alert, beganAt: row.began_at },
      acknowledged:
        row.acknowledged_by !== null && row.acknowledged_at
          ? { by: row.acknowledged_by, at: row.acknowledged_at }
          : undefined,
      muted: row.muted_until ? { by: row.muted_by ?? '', until: row.muted_until } : undefined,
    }));
  }

  async hasAlert(alert: string): Promise<boolean> {
    const { rows } = await sql`select from task_worker.alerts where alert = ${alert} limit 1`.execute(this.#db);
    return rows.length > 0;
  }

  async noteIncident(note: IncidentNote): Promise<void> {
    const { alert, beganAt, endedAt = null, kind, name, reason = null, subject, usersAffected = null } = note;
    await sql`
      insert into task_worker.incidents as kept (id, kind, subject, name, began_at, ended_at, reason, users_affected)
      values (${idOf(alert, beganAt)}, ${kind}, ${subject}, ${name}, ${beganAt}, ${endedAt}, ${reason}, ${usersAffected})
      on conflict (id) do update
        set ended_at = coalesce(kept.ended_at, excluded.ended_at), reason = coalesce(kept.reason, excluded.reason),
            users_affected = coalesce(kept.users_affected, excluded.users_affected)`.execute(this.#db);
  }

  /** Adds the time between two looks to the days that it lies in. A look that was noted already adds nothing. */
  async noteLooks(looks: readonly NodeLook[]): Promise<void> {
    const parts = looks.flatMap(daysOf);
    await sql`
      insert into task_worker.node_days as kept (node, day, name, up_ms, down_ms, looked_at)
      select node, day, name, up_ms, down_ms, looked_at
        from json_to_recordset(${JSON.stringify(parts)}::json)
             as part(node text, day date, name text, up_ms bigint, down_ms bigint, looked_at timestamptz)
       order by node, day
      on conflict (node, day) do update
        set up_ms = kept.up_ms + excluded.up_ms, down_ms = kept.down_ms + excluded.down_ms, name = excluded.name,
            looked_at = excluded.looked_at
        where kept.looked_at < excluded.looked_at`.execute(this.#db);
  }

  /** Deletes what is older than half a year. */
  async forget(today: Date): Promise<void> {
    await sql`select task_worker.forget_incidents((${today}::timestamptz at time zone 'UTC')::date)`.execute(this.#db);
  }

  /** The newest first. */
  async incidents({ from, kind, limit, open, subject }: IncidentFilter): Promise<KeptIncident[]> {
    const { rows } = await sql<IncidentRow>`
      select id, kind, subject, name, began_at, ended_at, reason, users_affected, acknowledged_by, acknowledged_at
        from task_worker.incidents
       where ${kind ? sql`kind = ${kind}` : sql`true`} and ${subject ? sql`subject = ${subject}` : sql`true`}
         and ${open ? sql`ended_at is null` : sql`true`}
         and ${from ? sql`(ended_at is null or ended_at >= ${from})` : sql`true`}
       order by began_at desc, id limit ${limit}`.execute(this.#db);
    return rows.map((row) => ({
      ...{ id: row.id, kind: row.kind, subject: row.subject, name: row.name, beganAt: row.began_at },
      endedAt: row.ended_at ?? undefined,
      reason: row.reason ?? undefined,
      usersAffected: row.users_affected ?? undefined,
      acknowledgedBy: row.acknowledged_by ?? undefined,
      acknowledgedAt: row.acknowledged_at ?? undefined,
    }));
  }

  /** Alerts that began at `from` or later, the newest first; with `before`, those that began before it. */
  async alerts({
    before,
    from,
    limit,
  }: {
    from?: Date | undefined;
    before?: Date | undefined;
    limit: number;
  }): Promise<KeptAlert[]> {
    const { rows } = await sql<AlertRow>`
      select id, alert, kind, subject, severity, lasts, began_at, told_at, ended_at, text, acknowledged_by, acknowledged_at, muted_until
        from task_worker.alerts
       where ${from ? sql`began_at >= ${from}` : sql`true`} and ${before ? sql`began_at < ${before}` : sql`true`}
       order by began_at desc, id limit ${limit}`.execute(this.#db);
    return rows.map((row) => ({
      ...{
        id: row.id,
        alert: row.alert,
        kind: row.kind,
        subject: row.subject,
        severity: row.severity,
        lasts: row.lasts,
      },
      beganAt: row.began_at,
      toldAt: row.told_at ?? undefined,
      endedAt: row.ended_at ?? undefined,
      text: row.text ?? undefined,
      acknowledgedBy: row.acknowledged_by ?? undefined,
      acknowledgedAt: row.acknowledged_at ?? undefined,
      mutedUntil: row.muted_until ?? undefined,
    }));
  }

  /** The days of all nodes, or of one, since the day of `from`. */
  async nodeDays(from: Date, node?: string): Promise<NodeDay[]> {
    const { rows } = await sql<NodeDay>`
      select node, name, day::text as day, up_ms as "upMs", down_ms as "downMs" from task_worker.node_days
       where day >= (${from}::timestamptz at time zone 'UTC')::date and ${node ? sql`node = ${node}` : sql`true`}
       order by node, day`.execute(this.#db);
    return rows;
  }
}

type IncidentRow = {
  id: string;
  kind: IncidentNote['kind'];
  subject: string;
  name: string;
  began_at: Date;
  ended_at: Date | null;
  reason: string | null;
  users_affected: number | null;
  acknowledged_by: string | null;
  acknowledged_at: Date | null;
};

type AlertRow = {
  id: string;
  alert: string;
  kind: string;
  subject: string;
  severity: AlertNote['severity'];
  lasts: boolean;
  began_at: Date;
  told_at: Date | null;
  ended_at: Date | null;
  text: string | null;
  acknowledged_by: string | null;
  acknowledged_at: Date | null;
  muted_until: Date | null;
};

/** One alert has one id: its beginning and its end may be noted by different processes. */
function idOf(alert: string, slot: Date | number): string {
  const digits = hash('sha256', `${alert}\n${slot instanceof Date ? slot.toISOString() : slot}`);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20, 32),
  ].join('-');
}

/** The parts of a look in each day that it lies in. */
function daysOf({ from, isUp, name, node, to }: NodeLook) {
  const parts: { node: string; day: string; name: string; up_ms: number; down_ms: number; looked_at: Date }[] = [];
  for (let at = from.getTime(); at < to.getTime(); ) {
    const end = Math.min(to.getTime(), (Math.floor(at / days(1)) + 1) * days(1));
    const day = new Date(at).toISOString().slice(0, 10);
    const [up, down] = isUp ? [end - at, 0] : [0, end - at];
    parts.push({ node, day, name, up_ms: up, down_ms: down, looked_at: new Date(end) });
    at = end;
  }
  return parts;
}
