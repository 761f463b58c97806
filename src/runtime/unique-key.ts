import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { stableJson } from '../lib/stable-json.ts';
import type { AnyTask } from './define-task.ts';
import { parsePayload } from './payload.ts';

/**
 * The key under which a task has one job at a time for one payload: another payload is another job. A payload that says no more than the
 * defaults has the key that schedules use, the name of the task.
 */
export function uniqueKeyOf(task: AnyTask, payload: Readonly<Record<string, unknown>>): string {
  const meaning = meaningOf(parsePayload(task, payload));
  const empty = (task.payload as z.ZodObject).safeParse({});
  if (empty.success && meaning === meaningOf(empty.data)) return task.name;
  return `${task.name}:${createHash('sha256').update(meaning).digest('base64url').slice(0, 22)}`;
}

/** The same text for payloads that mean the same: with defaults filled in, in any order, null as if it were absent. */
const meaningOf = (parsed: Readonly<Record<string, unknown>>): string =>
  stableJson(Object.fromEntries(Object.entries(parsed).filter(([, value]) => value !== null)));
