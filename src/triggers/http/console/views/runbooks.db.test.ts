import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { html } from '../../../../lib/html.ts';
import { HANDED_IN, RUNBOOK_GROUPS } from '../../../../messages/runbooks/find-runbook.ts';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';

const NODE = '6f1c2f0e-0000-4000-8000-000000000001';

describe('runbooks as pages', () => {
  let console: ConsoleWorld;
  beforeAll(async () => {
    console = await consoleWorld({ env: { PUBLIC_URL: 'https://worker.example' } });
  });
  afterAll(() => console[Symbol.asyncDispose]());

  const ru = { headers: { 'accept-language': 'ru' } };

  test('each is there in both languages, without a mark of its source', async () => {
    for (const name of RUNBOOK_GROUPS.flatMap(({ pages }) => Object.keys(pages))) {
      const [english, russian] = [await console.open(`/runbooks/${name}`), await console.open(`/runbooks/${name}`, ru)];
      expect(english.body, name).toContain('<h2>Look at</h2>');
      expect(russian.body, name).toContain('<h2>Посмотрите</h2>');
      for (const { body } of [english, russian]) expect(body.split('<main')[1], name).not.toMatch(/`|\]\(/);
    }
  });

  test('one is found by every alert that it is about, and by nothing else', async () => {
    for (const name of ['service_down_redis', 'brake_reset_monthly_traffic', 'NodeDown', 'unreadable_panel_users'])
      expect((await console.open(`/runbooks/${name}`)).body, name).toContain(`<h1>${name}</h1>`);
    for (const name of ['nothing', '__proto__', '%3Cscript%3E'])
      expect((await console.open(`/runbooks/${name}`)).statusCode, name).toBe(404);
  });

  test('the list names all, and alerts that are on lead to theirs: the worker’s and those handed in', async () => {
    const list = (await console.open('/runbooks')).body;
    expect(list).toContain('href="/runbooks/node_offline"');
    expect(list).toContain('href="/runbooks/DatabaseUnknown"');
    const now = new Date();
    const about = { severity: 'critical', subject: 'x', since: now } as const;
    const conditions = [
      { ...about, id: `node_offline:${NODE}`, kind: 'node_offline' as const },
      { ...about, id: 'prometheus:RedisFull:00ff', kind: HANDED_IN } as const,
    ];
    await console.world.app.parts.alertStates.begin(conditions, () => html`x`, now);
    const { body } = await console.open('/alerts');
    expect(body).toContain('href="/runbooks/node_offline"');
    expect(body).toContain('href="/runbooks/RedisFull"');
    const { rows } = await console.world.database.pool.query('select message from notification_queue order by 1');
    for (const { message } of rows) expect(message).toMatch(/📖 <a href="https:\/\/worker.example\/runbooks\/\w+">/);
  });
});
