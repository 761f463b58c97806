import { z } from 'zod';
import type { AnyTask, Schedule } from './define-task.ts';

/** A task as lists show it. */
export function describeTask(task: AnyTask, schedule: Schedule | undefined, isDisabled: boolean) {
  return {
    name: task.name,
    queue: task.queue,
    summary: task.summary.en,
    enabled: !isDisabled,
    aliases: (task.aliases ?? []).map((alias) => (typeof alias === 'string' ? alias : alias.name)),
    schedule: schedule ? describeSchedule(schedule) : null,
    retry_delays_seconds: task.retry.delaysMs.map((ms) => ms / 1000),
    when_out_of_retries: task.retry.exhausted,
    payload: payloadSchema(task),
  };
}

/** The payload as JSON Schema (draft 2020-12), as a producer has to send it. */
function payloadSchema(task: AnyTask): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(task.payload, { io: 'input', unrepresentable: 'any' });
  return schema;
}

/** `every 30 s`, or the cron pattern. */
export function describeSchedule(schedule: Schedule): string {
  return 'cron' in schedule ? schedule.cron : `every ${schedule.everyMs / 1000} s`;
}
