import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { approvalsOf } from '../../app/doors/approvals-of.ts';
import { broadcastsOf } from '../../app/doors/broadcasts-of.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { STAFF, STAFF_ENV, staffBot } from '../../testing/staff-bot.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import type { ApprovalsContext } from '../../triggers/approvals.ts';

/** The person behind each account: Olga, Ivan, somebody without a name, and somebody who may not say yes. */
const PEOPLE = {
  API_TOKENS: 'olga:0123456789abcdef,ivan:fedcba9876543210:admin',
  ADMIN_TELEGRAM_IDS: `${STAFF.owner}:owner:olga,${STAFF.admin}:admin:Ivan,${STAFF.support}:admin,${STAFF.view}:view`,
};

let world: TestApp;
let staff: ReturnType<typeof staffBot>;
let approvals: ApprovalsContext;
const stack = new AsyncDisposableStack();
beforeAll(async () => {
  world = stack.use(await testApp({ ...STAFF_ENV, ...PEOPLE, APPROVAL_ABOVE: '2' }));
  await installOwnSchema(world.app.database);
  staff = staffBot(world);
  stack.use(staff.listen());
  approvals = approvalsOf(world.app, broadcastsOf(world.app, 'http'), 'http');
});
afterAll(() => stack.disposeAsync());
beforeEach(() => world.database.pool.query('truncate notification_queue, audit_logs, task_worker.approvals cascade'));

/** Somebody asks for the deletion of three users, and who may say yes is told. */
async function asked(by = 'token:olga'): Promise<{ id: string; digest: string }> {
  const payload = { operation: 'delete', user_uuids: Array.from({ length: 3 }, () => randomUUID()) };
  const act = { task: 'execute_bulk_user_operation', payload };
  const subject = 'execute_bulk_user_operation';
  const { approval } = await approvals.ask({ kind: 'task', subject, payload: act, touches: 3 }, by);
  await staff.deliver();
  return approval;
}
const state = async (id: string) => (await approvals.find(id))!.state;
const hasJob = async (id: string): Promise<boolean> => (await world.app.jobs.find(id)) !== undefined;
const audits = async () =>
  (await world.database.pool.query('select action, entity_id from audit_logs order by created_at, id')).rows;

test('those who may say yes are told, with buttons and a link; who asked and who may not are not', async () => {
  const [before, small] = [staff.messagesTo('owner').length, staff.messagesTo('view').length];
  const { digest } = await asked();
  for (const name of ['admin', 'support'] as const) {
    const { buttons, text } = staff.latest(name);
    expect(buttons).toEqual(['Yes, do it', 'No', 'Open']);
    expect(text).toContain('delete users, 3 users');
    expect(text).toContain('olga asks for it');
    expect(text).toContain(digest.slice(0, 12));
    expect(text).toContain('https://worker.example/approvals');
  }
  expect([staff.messagesTo('owner').length, staff.messagesTo('view').length]).toEqual([before, small]);
});

test('the same act that is asked for again tells nobody again', async () => {
  const payload = { task: 'execute_bulk_user_operation', payload: { operation: 'delete', user_uuids: [randomUUID()] } };
  const act = { kind: 'task', subject: 'execute_bulk_user_operation', payload, touches: 3 } as const;
  await approvals.ask(act, 'token:olga');
  await staff.deliver();
  const told = staff.messagesTo('admin').length;
  expect((await approvals.ask(act, 'token:olga')).isNew).toBe(false);
  await staff.deliver();
  expect(staff.messagesTo('admin').length).toBe(told);
});

test('a yes is given once, has it done, and stands in every message', async () => {
  const { id } = await asked();
  const { id: messageId } = staff.latest('admin');
  const data = dataOf('Yes, do it');
  expect(await staff.tap('admin', 'Yes, do it')).toBe('▶️ Approved by @admin.');
  expect([await state(id), await hasJob(id)]).toEqual(['approved', true]);
  expect(staff.latest('support')).toMatchObject({
    text: expect.stringContaining('▶️ Approved by @admin'),
    buttons: ['Open'],
  });
  expect(await staff.tap('admin', { data }, { messageId })).toMatch(/^▶️ Approved by @admin, /);
  expect(await audits()).toEqual([
    { action: 'approval.approved', entity_id: id },
    { action: 'approval.tapped', entity_id: id },
  ]);
});

test('a no is a no', async () => {
  const { id } = await asked();
  expect(await staff.tap('admin', 'No')).toBe('⏹ Refused by @admin.');
  expect([await state(id), await hasJob(id)]).toEqual(['refused', false]);
});

test('the person who asked cannot say yes by an account of the bot, nor who may be that person', async () => {
  const { id } = await asked('token:ivan');
  // Olga was told, and hands her message on; the buttons are of the message, the person is who taps.
  const data = dataOf('Yes, do it', 'owner');
  const inChat = { chat: 'owner', messageId: staff.latest('owner').id } as const;
  expect(await staff.tap('admin', { data }, inChat)).toContain('A second person must say yes: who asked');
  expect(await staff.tap('support', { data }, inChat)).toContain('whose Telegram account this is');
  expect(await staff.tap('view', { data }, inChat)).toContain('This needs the role admin, yours is view');
  expect(await staff.tap('stranger', { data }, inChat)).toContain('you are not on its list');
  expect([await state(id), await hasJob(id)]).toEqual(['waiting', false]);
  expect(await staff.tap('owner', 'Yes, do it')).toBe('▶️ Approved by @owner.');
});

test('what somebody decided at the console is told to who taps', async () => {
  const { digest, id } = await asked();
  await approvals.approve(id, 'token:ivan', digest);
  expect(await staff.tap('admin', 'No')).toMatch(/^▶️ Approved by ivan, /);
  expect(await state(id)).toBe('approved');
});

test('a person with a token and an account of the bot is one person at every door', async () => {
  const { digest, id } = await asked(`telegram:${STAFF.owner}`);
  expect(await approvals.approve(id, 'token:Olga', digest)).toMatchObject({ outcome: 'refused_self' });
  expect(await approvals.approve(id, `telegram:${STAFF.support}`, digest)).toMatchObject({ outcome: 'unknown_person' });
  expect(approvals.isOf((await approvals.find(id))!, 'cli:olga')).toBe(true);
  expect(await approvals.approve(id, 'token:ivan', digest)).toMatchObject({ outcome: 'approved', isFirst: true });
  expect(approvals.isNeeded('all', `telegram:${STAFF.support}`)).toBe(true);
});

/** What a button of the newest message says of itself. */
function dataOf(button: string, name: 'admin' | 'owner' = 'admin'): string {
  const rows = (staff.messagesTo(name).at(-1)!.reply_markup as Keyboard).inline_keyboard;
  return rows.flat().find(({ text }) => text === button)!.callback_data!;
}
type Keyboard = { inline_keyboard: { text: string; callback_data?: string }[][] };
