import { z } from 'zod';
import type { DayFigures } from '../../messages/figures.ts';
import { storedNumber as number } from '../../repositories/redis/json-entries.ts';

const amounts = z.record(z.string(), z.object({ count: number, total: z.string() }));
const groups = z.record(z.string(), z.object({ count: number, by_currency: amounts }));

const users = z.object({
  at_end: z
    .object({
      taken_at: z.string(),
      total: number,
      active: number,
      disabled: number,
      limited: number,
      expired: number,
      unreadable: z.exactOptional(number),
    })
    .nullable(),
  new: number,
  churned: number,
});

const bandwidth = z.object({
  bytes: number,
  coverage: number,
  nodes: z.array(z.object({ node_uuid: z.string(), name: z.string(), bytes: number, coverage: number })),
});

const uptime = z.object({
  percent: number.nullable(),
  nodes: z.array(
    z.object({
      node_uuid: z.string(),
      name: z.string(),
      country: z.string(),
      percent: number.nullable(),
      online_seconds: number,
      down_seconds: number,
      unknown_seconds: number,
      incidents: number,
    }),
  ),
  incidents: z.array(
    z.object({ node_uuid: z.string(), name: z.string(), began_at: z.string(), ended_at: z.string().nullable() }),
  ),
});

const payments = z.object({
  by_currency: amounts,
  by_provider: groups,
  by_purchase: z.exactOptional(groups),
  by_plan: groups,
  total_count: number,
  failed_count: number,
  pending_count: number,
  failure_rate: number.nullable(),
  without_backend: number,
});

const notifications = z.object({
  sent: number,
  failed: number,
  unreachable: number,
  withdrawn: number,
  by_reason: z.record(z.string(), number),
});

const tasks = z.object({
  succeeded: number,
  failed: number,
  errors: z.array(z.object({ task: z.string(), code: z.string(), count: number })),
  calls: z.record(z.string(), z.object({ count: number, mean_ms: number })),
});

/** Reads the figures of a day as they are kept. */
export const dayFigures: z.ZodType<DayFigures> = z.object({
  schema: z.literal(1),
  date: z.iso.date(),
  users: users.nullable(),
  bandwidth: bandwidth.nullable(),
  uptime: uptime.nullable(),
  payments: payments.nullable(),
  admin_operations: z.record(z.string(), number).nullable(),
  notifications: notifications.nullable(),
  tasks: tasks.nullable(),
});
