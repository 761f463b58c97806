import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';

describe('the views of tasks', () => {
  let console: ConsoleWorld;
  beforeAll(async () => {
    console = await consoleWorld({ env: { DISABLED_TASKS: 'sync_user_stats' } });
  });
  afterAll(() => console[Symbol.asyncDispose]());

  test('list every task with a link, its schedule in words, and what is switched off', async () => {
    const { body } = await console.open('/tasks');
    for (const { name } of console.context.registry.tasks) expect(body).toContain(`href="/tasks/${name}"`);
    expect(body).toContain('At 40 minutes past the hour');
    expect(body).toContain('switched off');
  });

  test('speak Russian', async () => {
    const { body } = await console.open('/tasks', { headers: { 'accept-language': 'ru' } });
    expect(body).toContain('В 40 минут');
    expect(body).toContain('по требованию');
  });

  test('find by name or purpose, and say where nothing is found', async () => {
    const { body } = await console.open('/tasks?q=broadcast_message');
    expect(body.match(/id="task-/g)).toHaveLength(1);
    expect((await console.open('/tasks?q=zzz')).body).toContain('No task has this');
  });

  test('a task is run once, recorded under the person, and the receipt says so', async () => {
    const first = await console.submit('/tasks/sync_node_configs', { _deed: 'run' });
    expect(first.body).toContain('sync_node_configs is in its queue');
    const again = await console.submit('/tasks/sync_node_configs', { _deed: 'run' });
    expect(again.body).toContain('waits or runs already');
    const { rows } = await console.world.database.pool.query(
      `select action, new_value->>'by' as by from audit_logs where entity_id = 'sync_node_configs'`,
    );
    expect(rows[0]).toEqual({ action: 'task.dispatched', by: 'token:olga' });
  });

  test('a task that is switched off has no button, and a posted wish is refused in words', async () => {
    expect((await console.open('/tasks/sync_user_stats')).body).not.toContain('Run now');
    const refused = await console.submit('/tasks/sync_user_stats', { _deed: 'run' });
    expect(refused.statusCode).toBe(422);
    expect(refused.body).toMatch(/role="alert">[^<]*sync_user_stats/);
  });

  test('a task that does not exist is a page that says so', async () => {
    const { body, statusCode } = await console.open('/tasks/no_such_task');
    expect(statusCode).toBe(404);
    expect(body).toContain('There is nothing at this address');
  });
});
