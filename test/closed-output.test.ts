import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_LIMITS } from '../sandbox/telegram/limits.ts';
import { seconds } from '../src/lib/duration.ts';
import { freePort } from '../src/testing/servers/free-port.ts';
import { until } from '../src/testing/until.ts';
import { metricValue, scrape } from '../src/testing/world/metrics.ts';
import { World } from '../src/testing/world/world.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

describe('standard output', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start({ telegramLimits: NO_LIMITS, env: { TELEGRAM_RATE_PER_SECOND: '1000' } });
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  async function startWorker(stdout: 'pipe' | number): Promise<{ child: ChildProcess; url: string }> {
    const port = await freePort();
    const child = spawn(process.execPath, [MAIN, 'worker'], {
      env: { PATH: process.env.PATH ?? '', ...world.env, METRICS_PORT: String(port) },
      stdio: ['ignore', stdout, 'ignore'],
    });
    const url = `http://127.0.0.1:${port}`;
    await until('it is ready', async () => (await fetch(`${url}/health/ready`)).status === 200, seconds(60));
    return { child, url };
  }

  const outputs = {
    'whose reader is gone (EPIPE)': async () => {
      const started = await startWorker('pipe');
      started.child.stdout!.destroy();
      return started;
    },
    'on a disk that is full (ENOSPC)': async () => {
      const full = await open('/dev/full', 'w');
      try {
        return await startWorker(full.fd);
      } finally {
        await full.close();
      }
    },
  };

  test.each(Object.entries(outputs).map(([name, start], i) => ({ name, start, chat: 500 + i })))(
    '$name ends nothing: the work goes on, lost lines are counted, and SIGTERM drains',
    async ({ start, chat }) => {
      const { child, url } = await start();
      try {
        for (const text of ['one', 'two', 'three'])
          await world.dispatch('send_notification', { telegram_id: chat, message: text });
        await until('all are sent', () => world.telegram.messages({ chatId: chat }).length === 3);
        await until('lost lines are counted', async () => {
          const lost = metricValue(await scrape(url), 'cybervpn_worker_outputs_dropped_total', { output: 'log' });
          return lost >= 3;
        });
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        expect(await ended).toEqual([0, null]);
      } finally {
        child.kill('SIGKILL');
      }
    },
  );

  test('that nobody reads holds up nothing: lines are dropped and counted, and later ones are written again', async () => {
    const { child, url } = await startWorker('pipe');
    try {
      const jobs = 2_000;
      const say = (telegramId: number, message: string): Promise<string> =>
        world.dispatch('send_notification', { telegram_id: telegramId, message });
      await Promise.all(Array.from({ length: jobs }, (_, i) => say(10_000 + i, 'unread')));
      const arrived = (): number => world.telegram.messages().filter(({ text }) => text === 'unread').length;
      await until('all are sent', () => arrived() === jobs, seconds(90));
      const lost = metricValue(await scrape(url), 'cybervpn_worker_outputs_dropped_total', { output: 'log' });
      expect(lost).toBeGreaterThan(0);
      let said = '';
      child.stdout!.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      const last = await say(600, 'last');
      await until('it is read of', () => said.includes(last));
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  test('of a command may be closed before its answer is whole', async () => {
    const child = spawn(process.execPath, [MAIN, 'help'], {
      env: { PATH: process.env.PATH ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(said).toBe('');
  });
});
