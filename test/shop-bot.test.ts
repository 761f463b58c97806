import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { STAFF_BOT_TOKEN } from '../sandbox/telegram/server.ts';
import { seconds } from '../src/lib/duration.ts';
import { until } from '../src/testing/until.ts';
import { World } from '../src/testing/world/world.ts';

const ADMIN = 900000001;
const SECRET = 'handed-in-0123456789abcdef';
const PAGE = 'https://worker.cybervpn.test';
/** Somebody who polls asks at once, and holds each question for 25 s: within this one has been asked, or none ever is. */
const WATCHED_MS = seconds(3);

describe.each([
  { staff: 'no bot of its own', env: {}, polls: false },
  { staff: 'a bot of its own', env: { ADMIN_BOT_TOKEN: STAFF_BOT_TOKEN }, polls: true },
])('a worker whose staff has $staff', ({ env, polls }) => {
  let world: World;
  let url: string;
  beforeAll(async () => {
    world = await World.start({
      env: {
        ADMIN_TELEGRAM_IDS: String(ADMIN),
        ALERTMANAGER_WEBHOOK_SECRET: SECRET,
        PUBLIC_URL: PAGE,
        SCHEDULE_PROCESS_NOTIFICATION_QUEUE: '1s',
        ...env,
      },
    });
    // What the platform has not read yet: its bot's, and nobody else's.
    world.telegram.write({ id: 55 }, '/start');
    url = (await world.start('all')).httpUrl;
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  const handIn = async () => {
    const alert = {
      status: 'firing',
      labels: { alertname: 'QueueStuck', severity: 'critical', queue: 'sync' },
      annotations: { summary: 'Queue', value: '7' },
      startsAt: new Date().toISOString(),
      endsAt: '0001-01-01T00:00:00Z',
      fingerprint: 'f00d',
    };
    const answer = await fetch(`${url}/webhooks/alertmanager`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${SECRET}` },
      body: JSON.stringify({ version: '4', status: 'firing', groupKey: 'g', alerts: [alert] }),
    });
    expect(answer.status).toBe(200);
  };

  test(`${polls ? "its alerts have buttons, and its bot's" : "its alerts come by the shop's bot, without buttons, and no"} updates are read`, async () => {
    await handIn();
    const told = polls ? world.telegram.staff : world.telegram;
    const [alert] = await until('the alert has come', () => {
      const messages = told.messages({ chatId: ADMIN }).filter(({ text }) => text.includes('QueueStuck'));
      return messages.length > 0 && messages;
    });
    expect(alert!.reply_markup === null || alert!.reply_markup === undefined).toBe(!polls);
    // With a link to its page, for those who have no button.
    expect(alert!.text).toContain(`${PAGE}/runbooks/QueueStuck`);
    if (polls) await until("the staff's bot is asked", () => world.telegram.staff.polling().polls > 0);
    else await sleep(WATCHED_MS);
    expect(world.telegram.staff.polling().polls > 0).toBe(polls);
    expect(world.telegram.polling()).toMatchObject({ polls: 0, pending: 1 });
  });
});
