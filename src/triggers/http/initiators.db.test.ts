import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpWorld, httpWorld } from '../../testing/http-world.ts';

/** Names that other initiators have: doors, schedules, programs and tasks. */
const NAMES = [
  'taskiq',
  'schedule',
  'cli',
  'cryptobot',
  'token',
  'http',
  'task',
  'process_payment_completion',
] as const;
const tokens = NAMES.map((name) => ({ name, token: randomBytes(16).toString('hex'), role: 'owner' as const }));

let http: HttpWorld;
beforeAll(async () => {
  http = await httpWorld({ change: () => ({ tokens }) });
});
afterAll(() => http[Symbol.asyncDispose]());

test.each(tokens)(
  'a token named $name is told as a token, in its job and in the audit log',
  async ({ name, token }) => {
    const headers = { authorization: `Bearer ${token}` };
    const sent = await http.call('POST', '/api/v1/tasks/send_notification', {
      headers,
      payload: { telegram_id: 1, message: 'x' },
    });
    expect(sent.statusCode).toBe(202);
    const { job_id: id } = sent.json<{ job_id: string }>();
    const job = await http.call('GET', `/api/v1/jobs/${id}`, { headers });
    expect(job.json()).toMatchObject({ initiated_by: `token:${name}`, source: 'http' });
    const { rows } = await http.world.database.pool.query(
      `select new_value ->> 'by' as by from audit_logs where action = 'task.dispatched' and new_value ->> 'job_id' = $1`,
      [id],
    );
    expect(rows).toEqual([{ by: `token:${name}` }]);
  },
);
