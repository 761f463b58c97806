import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { staffBotContext } from '../../app/doors/staff-bot.ts';
import { CARD_ACTS, type CardAct, readTap, tapData } from '../../lib/card-act.ts';
import { minutes } from '../../lib/duration.ts';
import { html } from '../../lib/html.ts';
import { runningJobs } from '../../testing/running-jobs.ts';
import { STAFF, STAFF_ENV, type StaffName, staffBot } from '../../testing/staff-bot.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';

let world: TestApp;
let staff: ReturnType<typeof staffBot>;
let listening: AsyncDisposable;
beforeAll(async () => {
  world = await testApp({ ...STAFF_ENV, API_TOKENS: 'olga:0123456789abcdef' });
  staff = staffBot(world);
  listening = staff.listen();
});
afterAll(async () => {
  await listening[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await world.database.pool.query('truncate notification_queue, audit_logs cascade');
});

let nodes = 0;
/** A node goes down, and everybody is told. Answers the alert's id. */
async function nodeDown(since = new Date(Date.now() - minutes(1))): Promise<string> {
  nodes += 1;
  const name = { id: `node_offline:n${nodes}`, subject: `node ${nodes}` };
  const condition = { ...name, kind: 'node_offline', severity: 'critical', since } as const;
  const message = ({ subject }: { subject: string }) => html`${subject} is <b>down</b>`;
  await world.app.parts.alertStates.begin([condition], message, new Date());
  await staff.deliver();
  return condition.id;
}
const nodeUp = (id: string) =>
  world.app.parts.alertStates.end([{ id, at: new Date() }], ({ subject }) => html`${subject} is up`, new Date());

type Audit = { action: string; entity_id: string; new_value: Record<string, unknown>; ip_address: string };
const audits = async (action = ''): Promise<Audit[]> =>
  (
    await world.database.pool.query<Audit>(
      'select action, entity_id, new_value, ip_address from audit_logs where starts_with(action, $1) order by created_at, id',
      [action],
    )
  ).rows;

const stateOf = async (id: string) => {
  const { alertAnswers, alertStates } = world.app.parts;
  const now = new Date();
  return (await alertAnswers.answered(await alertStates.active(now), now)).find((alert) => alert.id === id)?.state;
};

test('an alert has the buttons of its kind, and one acknowledges it for all', async () => {
  const id = await nodeDown();
  for (const name of ['owner', 'admin', 'support', 'view'] as const)
    expect(staff.latest(name).buttons).toEqual(['Acknowledge', 'Mute 1 h', 'Mute 8 h', 'Open']);
  expect(world.telegram.messages()).toEqual([]);

  expect(await staff.tap('admin', 'Acknowledge')).toBe('✔️ Acknowledged by @admin.');
  expect(await stateOf(id)).toBe('acknowledged');
  for (const name of ['owner', 'admin', 'support', 'view'] as const) {
    expect(staff.latest(name).text).toMatch(/is down\n\n.*\n\n✔️ Acknowledged by @admin, .* UTC$/s);
    expect(staff.latest(name).buttons).toEqual(['Mute 1 h', 'Mute 8 h', 'Open']);
  }
  expect(await audits('alert.')).toMatchObject([
    {
      ...{ action: 'alert.acknowledged', entity_id: id, ip_address: 'telegram' },
      new_value: { by: 'telegram:8', role: 'admin', act: 'ack', outcome: 'done', payload_sha256: expect.any(String) },
    },
  ]);
});

test('a tap twice does it once, and says who did', async () => {
  const id = await nodeDown();
  const { id: messageId } = staff.latest('owner');
  const data = dataOf('owner', 'Acknowledge');
  await staff.tap('owner', 'Acknowledge');
  const edits = staff.bot.edits();
  expect(await staff.tap('owner', { data }, { messageId })).toMatch(/^✔️ Acknowledged by @owner, .* UTC\.$/);
  expect(await stateOf(id)).toBe('acknowledged');
  expect(staff.bot.edits()).toBe(edits);
  expect((await audits('alert.')).map(({ new_value }) => new_value.outcome)).toEqual(['done', 'already']);
});

test('of two admins at once one does it, and the other is told who', async () => {
  const id = await nodeDown();
  const contexts = ['worker-a', 'worker-b'].map((by) => staffBotContext(world.app, { by, hasConsole: true })!);
  const taps = (['owner', 'admin'] as const).map((name, i) =>
    contexts[i]!.answer(
      readTap(dataOf(name, 'Acknowledge'))!,
      STAFF[name],
      { id: STAFF[name], by: `telegram:${STAFF[name]}`, name: `@${name}`, role: 'admin' },
      'en',
    ),
  );
  const replies = await Promise.all(taps);
  expect(replies.map(({ outcome }) => outcome).sort()).toEqual(['already', 'done']);
  const first = replies[0]!.outcome === 'done' ? '@owner' : '@admin';
  for (const { say } of replies) expect(say).toContain(first);
  expect(await stateOf(id)).toBe('acknowledged');
});

test('what somebody did at the console is told to who taps, and the buttons say so', async () => {
  const id = await nodeDown();
  await world.app.parts.alertAnswers.acknowledge(id, 'token:olga');
  expect(await staff.tap('admin', 'Acknowledge')).toMatch(/^✔️ Acknowledged by olga, /);
  expect(staff.latest('admin').buttons).not.toContain('Acknowledge');
});

test('a tap on what is over is told so, and one that began anew is another alert', async () => {
  const id = await nodeDown();
  const { id: messageId } = staff.latest('admin');
  await nodeUp(id);
  await staff.deliver();
  expect(staff.latest('admin')).toMatchObject({ text: expect.stringContaining('is up'), buttons: [] });
  const over = 'This is over: there is nothing to decide any more.';
  const tapFirst = (button: string) => staff.tap('admin', button, { messageId });
  expect(await tapFirst('Acknowledge')).toBe(over);
  const condition = { id, kind: 'node_offline', severity: 'critical', subject: 'again', since: new Date() } as const;
  await world.app.parts.alertStates.begin([condition], () => html`again`, new Date());
  expect(await tapFirst('Acknowledge')).toBe(over);
  expect(await tapFirst('Mute 8 h')).toBe(over);
  expect(await stateOf(id)).toBe('on');
});

test('a mute lasts as long as its button says, and a longer one may follow', async () => {
  const id = await nodeDown();
  expect(await staff.tap('admin', 'Mute 1 h')).toBe('🔕 Muted for 1 h by @admin.');
  expect(await stateOf(id)).toBe('muted');
  expect(staff.latest('admin').buttons).toEqual(['Acknowledge', 'Mute 8 h', 'Open']);
  expect(await staff.tap('owner', 'Mute 8 h')).toBe('🔕 Muted for 8 h by @owner.');
  expect(staff.latest('admin').buttons).toEqual(['Acknowledge', 'Open']);
  const until8 = (await world.app.parts.alertAnswers.mutedUntil([{ id }], new Date())).get(id)!;
  expect(until8.getTime() - Date.now()).toBeGreaterThan(minutes(7 * 60));
  await nodeUp(id);
});

test("a stranger's tap and words are refused, recorded, and answered once", async () => {
  const id = await nodeDown();
  expect(await staff.tap('stranger', 'Acknowledge', { chat: 'owner' })).toBe(
    'This bot is for the staff of the service, and you are not on its list.',
  );
  const written = staff.bot.messages().length;
  for (const text of ['/status', '/login', 'hello']) staff.bot.write({ id: STAFF.stranger }, text);
  expect(await staff.ask('view', '/help')).toContain('Your role: view');
  expect(staff.bot.messages()).toHaveLength(written + 1);
  expect(await stateOf(id)).toBe('on');
  expect(await audits('staff_bot.refused')).toMatchObject([
    { entity_id: '66', new_value: { by: 'telegram:66', why: 'stranger' } },
  ]);
});

/** Which roles may tap each button. */
const MAY: Readonly<Record<CardAct, readonly StaffName[]>> = {
  ack: ['owner', 'admin'],
  mute1: ['owner', 'admin'],
  mute8: ['owner', 'admin'],
  go: ['owner', 'admin'],
  no: ['owner', 'admin'],
  replay: ['owner', 'admin'],
  check: ['owner', 'admin', 'support'],
};

test.each(CARD_ACTS)('the button %s works for the roles that may, and for no other', async (act) => {
  await nodeDown();
  const card = readTap(dataOf('owner', 'Acknowledge'))!.card;
  for (const name of ['view', 'support', 'admin', 'owner'] as const) {
    const said = await staff.tap(name, { data: tapData({ act, card, index: undefined }) });
    const needed = MAY[act].includes('support') ? 'support' : 'admin';
    const refusal = `This needs the role ${needed}, yours is ${name}.`;
    if (MAY[act].includes(name)) expect(said).not.toBe(refusal);
    else expect(said).toBe(refusal);
  }
  const refused = (await audits('staff_bot.refused')).map(({ new_value }) => new_value.role);
  expect(refused).toEqual(['view', 'support'].filter((name) => !MAY[act].includes(name as StaffName)));
});

test('data that no button of ours has, or of a message in another chat, does nothing', async () => {
  const id = await nodeDown();
  const theirs = dataOf('admin', 'Acknowledge');
  const odd = ['', 'ack', 'ack.short', 'ack.AAAAAAAAAAAA', `${theirs}.99`, 'constructor.AAAAAAAAAAAA', '{"act":"ack"}'];
  for (const data of odd) expect(await staff.tap('owner', { data })).toMatch(/not known any more|too old/);
  expect(await staff.tap('owner', { data: theirs })).toContain('too old for its buttons');
  expect(await staff.tap('owner', { data: theirs.replace('ack', 'go') })).toContain('too old for its buttons');
  expect(await stateOf(id)).toBe('on');
});

test('a dead letter is replayed by its button, once', async () => {
  await using _ = runningJobs(world);
  const { jobId } = await world.app.dispatcher.dispatchNamed(
    'send_otp_email',
    { email: 'a@b.test', otp_code: '7' },
    { source: 'cli', initiatedBy: 'test' },
  );
  await until('the job is a dead letter', () => world.app.deadJobs.has(jobId));
  for (const name of ['owner', 'admin'] as const)
    await until('its alert is told', () => staff.latest(name).text.includes('send_otp_email'));
  expect(staff.latest('owner').buttons).toEqual(['Acknowledge', 'Replay', 'Open']);
  expect(await staff.tap('admin', 'Replay')).toBe('🔁 Replayed by @admin.');
  await until('it failed again', async () => (await world.app.deadJobs.list(1))[0]?.attempts === 1);
  expect(staff.latest('owner').buttons).toEqual(['Acknowledge', 'Open']);
  expect(await audits('dead_letter.')).toMatchObject([{ entity_id: jobId, new_value: { by: 'telegram:8' } }]);
});

test('several alerts in one message are answered together', async () => {
  const conditions = ['x', 'y'].map((name) => ({
    ...{ id: `node_offline:${name}`, kind: 'node_offline' as const, severity: 'critical' as const, subject: name },
    since: new Date(Date.now() - minutes(2)),
  }));
  await world.app.parts.alertStates.begin(conditions, ({ subject }) => html`${subject} is down`, new Date());
  await staff.deliver();
  expect(staff.latest('owner')).toMatchObject({
    text: expect.stringMatching(/x is down[\s\S]*y is down/),
    buttons: ['Acknowledge', 'Mute 1 h', 'Mute 8 h', 'Open'],
  });
  await staff.tap('owner', 'Acknowledge');
  expect(await Promise.all(conditions.map(({ id }) => stateOf(id)))).toEqual(['acknowledged', 'acknowledged']);
  expect(staff.latest('admin').text.match(/Acknowledged by/g)).toHaveLength(1);
});

test('a tap that has waited for long is done, though nobody can be answered', async () => {
  const id = await nodeDown();
  await listening[Symbol.asyncDispose]();
  staff.tapOnly('admin', 'Acknowledge');
  staff.bot.expireTaps();
  // A worker that has just started: what was sent by another one before is known to it.
  listening = staff.listen('worker-2');
  await until('it is acknowledged', async () => (await stateOf(id)) === 'acknowledged');
  await until('the message says so', () => staff.latest('admin').text.includes('Acknowledged by @admin'));
});

test('commands answer by role and in the language of who asks', async () => {
  await nodeDown();
  expect(await staff.ask('view', '/status')).toMatch(/On now\n• [\s\S]*node \d+ is offline[\s\S]*Nodes online: 0 of 0/);
  expect(await staff.ask('view', '/status', 'ru-RU')).toContain('Происходит сейчас');
  expect(await staff.ask('view', '/nodes')).toBe('No nodes are known.');
  expect(await staff.ask('view', '/payments')).toBe('This needs the role support, yours is view.');
  expect(await staff.ask('support', '/payments')).toBe('✅ No payment waits for a person.');
  expect(await staff.ask('support', '/explain')).toContain('For example: /explain 100005');
  // The panel of this world cannot be reached.
  expect(await staff.ask('support', '/explain 100005')).toContain('the service cannot be reached now');
  expect(await staff.ask('owner', '/constructor')).toContain('/explain: What somebody got');
  expect(await staff.ask('admin', '/mute')).toMatch(/is offline$/);
  expect(staff.latest('admin').buttons).toEqual(expect.arrayContaining(['Mute 1 h', 'Mute 8 h']));
  expect([...staff.bot.commands().keys()]).toEqual(['', 'ru']);
  expect((await audits('staff_bot.asked')).map(({ entity_id }) => entity_id)).toContain('status');
});

/** What a button of the newest message tells the bot. */
function dataOf(name: StaffName, text: string): string {
  const rows = staff.messagesTo(name).at(-1)!.reply_markup as {
    inline_keyboard: { text: string; callback_data: string }[][];
  };
  return rows.inline_keyboard.flat().find((button) => button.text === text)!.callback_data;
}
