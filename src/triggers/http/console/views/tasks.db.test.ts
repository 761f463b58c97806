import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';
import { commandHere } from '../../../../testing/world/command-here.ts';

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

  describe('pauses of schedules', () => {
    const task = 'generate_daily_report';
    const acts = async () => {
      const { rows } = await console.world.database.pool.query(
        `select action, new_value from audit_logs where entity_type = 'schedule' order by created_at`,
      );
      return rows.map(({ action, new_value: { by, reason } }) => `${action} ${by} ${reason ?? '-'}`);
    };
    const command = (...words: string[]) => commandHere(['schedules', ...words], console.world.env);

    test('ask first, are told on every page that judges, and end at a press; every door knows of them', async () => {
      const wish = { _deed: 'pause', reason: 'the panel moves' };
      const asked = await console.submit(`/tasks/${task}`, wish, { role: 'admin' });
      expect(asked.body).toContain('starts nothing until somebody resumes it');
      const done = await console.submit(`/tasks/${task}`, { ...wish, _sure: 'yes' }, { role: 'admin' });
      expect(done.body).toContain(`The schedule of ${task} is paused`);

      for (const path of ['/tasks', `/tasks/${task}`]) {
        const { body } = await console.open(path, { role: 'view' });
        expect(body).toContain('the panel moves');
        // The schema is not installed here, and the page says what that means.
        expect(body).toContain('is lost where that is emptied');
      }
      expect((await console.open('/')).body).toContain(`paused by a person: ${task}`);
      expect((await console.open('/', { headers: { 'accept-language': 'ru' } })).body).toContain(`на паузе: ${task}`);
      expect((await command()).stdout).toMatch(new RegExp(`${task} .*paused by token:admin`));
      const { schedules } = (await console.call('GET', '/api/v1/schedules')).json();
      expect(schedules.find((one: { task: string }) => one.task === task).paused).toMatchObject({
        ...{ by: 'token:admin', reason: 'the panel moves', kept: false },
      });

      const resumed = await console.submit(`/tasks/${task}`, { _deed: 'resume' }, { role: 'admin' });
      expect(resumed.body).toContain('runs again from its next time on');
      expect((await console.open('/')).body).not.toContain('paused by a person');
      expect(await acts()).toEqual(['schedule.paused token:admin the panel moves', 'schedule.resumed token:admin -']);
    });

    test('over the API and the command line are the same, once each, and say what there is not', async () => {
      await console.world.database.pool.query('delete from audit_logs');
      const post = (path: string, payload?: object) =>
        console.call('POST', `/api/v1/schedules/${path}`, payload ? { payload } : {});
      expect((await post(`${task}/pause`, { reason: 'x' })).json().paused).toMatchObject({ by: 'token:olga' });
      expect((await post(`${task}/pause`)).json().paused.reason).toBe('x');
      expect((await post(`${task}/resume`)).json().paused).toBeNull();
      expect((await post('execute_bulk_broadcast/pause')).statusCode).toBe(404);
      expect((await post('no_such_task/pause')).statusCode).toBe(404);
      expect((await post(`${task}/pause`, { reason: ' ' })).statusCode).toBe(400);

      expect((await command('pause', task, '--reason', 'y')).stdout).toContain('is paused');
      expect((await command('pause', task)).stdout).toContain('was paused already');
      expect((await command('resume', task)).stdout).toContain('runs again');
      expect((await command('resume', task)).stdout).toContain('was not paused');
      for (const wrong of [
        ['stop', task],
        ['pause'],
        ['pause', 'execute_bulk_broadcast'],
        ['resume', task, '--reason', 'z'],
      ])
        expect((await command(...wrong)).code, wrong.join(' ')).toBe(64);
      expect((await acts()).map((act) => act.replace(/cli:\S+/, 'cli'))).toEqual([
        ...['schedule.paused token:olga x', 'schedule.paused token:olga -', 'schedule.resumed token:olga -'],
        ...['schedule.paused cli y', 'schedule.resumed cli -'],
      ]);
    });
  });

  test('a task that does not exist is a page that says so', async () => {
    const { body, statusCode } = await console.open('/tasks/no_such_task');
    expect(statusCode).toBe(404);
    expect(body).toContain('There is nothing at this address');
  });
});
