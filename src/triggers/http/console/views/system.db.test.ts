import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClientPolicy } from '../../../../clients/policy.ts';
import { BreakerBook, ProcessReporter } from '../../../../domain/monitoring/process-reporter.ts';
import { minutes } from '../../../../lib/duration.ts';
import { TransientError } from '../../../../lib/errors.ts';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';
import { until } from '../../../../testing/until.ts';

describe('the system as a page', () => {
  let http: ConsoleWorld;
  beforeAll(async () => {
    http = await consoleWorld();
  });
  afterAll(() => http[Symbol.asyncDispose]());

  const notes = () => http.world.app.parts.foundation.processNotes;
  const ru = { headers: { 'accept-language': 'ru' } };

  test('without a word of any process it says so, and shows the limits with what is in use', async () => {
    const { body } = await http.open('/system');
    expect(body).toContain('No process has said anything yet.');
    expect(body).toMatch(/0 of [\d,]+/);
  });

  test('a breaker that opens is shown with its cause and since when, beside processes of other versions', async () => {
    const breakers = new BreakerBook();
    const policy = new ClientPolicy({
      service: 'remnawave',
      timeLimitMs: minutes(1),
      observer: {
        called: () => undefined,
        breaker: (service, state, why) => breakers.note(service, state, why, new Date()),
      },
    });
    const fail = () =>
      policy.call({ endpoint: 'users', signal: AbortSignal.timeout(minutes(1)) }, async () => {
        throw new TransientError('remnawave_away', 'connect ECONNREFUSED 10.0.0.7');
      });
    for (let i = 0; i < 5; i += 1) await expect(fail()).rejects.toThrow('ECONNREFUSED');
    const clock = () => new Date();
    using _ours = new ProcessReporter({ notes: notes(), breakers, role: 'worker', version: '1.2.3', clock });
    const other = { host: 'z', pid: 7, role: 'scheduler', version: '1.2.2', startedAt: clock(), at: clock() };
    await notes().save({ ...other, breakers: [{ service: 'remnawave', state: 'closed', since: clock() }] });
    await notes().save({ ...other, pid: 8, version: '0.9.9', at: new Date(Date.now() - minutes(3)), breakers: [] });
    await until('both are known', async () => (await notes().all(clock())).length === 2);
    const { body } = await http.open('/system', { role: 'view', ...ru });
    expect(body).toContain('не пропускает');
    expect(body).toContain('процессов: 1 из 2');
    expect(body).toContain('connect ECONNREFUSED 10.0.0.7');
    expect(body).toContain('Одновременно работают разные версии.');
    expect(body).not.toContain('0.9.9');
  });

  test('a process that ends is not shown any more', async () => {
    const breakers = new BreakerBook();
    const of = (pid: number) => async () => (await notes().all(new Date())).some((note) => note.pid === pid);
    const reporter = new ProcessReporter({
      notes: notes(),
      breakers,
      role: 'all',
      version: '1',
      clock: () => new Date(),
    });
    await until('it is known', of(process.pid));
    reporter[Symbol.dispose]();
    await until('it is gone', async () => !(await of(process.pid)()));
  });
});
