import { afterAll, beforeAll, expect, test } from 'vitest';
import { refusalsOf, type TestRedis, testRedis } from '../../../testing/redis.ts';
import { until } from '../../../testing/until.ts';
import { MailClaims } from './mail-claims.ts';

let redis: TestRedis;
let claims: MailClaims;
beforeAll(async () => {
  redis = await testRedis();
  claims = new MailClaims(redis.client);
});
afterAll(() => redis[Symbol.asyncDispose]());

test('of a hundred that take a message in hand at once one has it', async () => {
  const taken = await Promise.all(Array.from({ length: 100 }, (_, i) => claims.take('many', `run ${i}`)));
  expect(taken.filter(Boolean)).toHaveLength(1);
  expect(await claims.look('many')).toMatchObject({ kind: 'in_hand' });
});

test('the run that has it is told so again, as after an answer that was lost', async () => {
  expect(await claims.take('again', 'a')).toBe(true);
  expect(await claims.take('again', 'a')).toBe(true);
  expect(await claims.take('again', 'b')).toBe(false);
});

test('only the run that has it gives it back', async () => {
  await claims.take('back', 'a');
  await claims.giveBack('back', 'b');
  expect(await claims.take('back', 'b')).toBe(false);
  await claims.giveBack('back', 'a');
  expect(await claims.look('back')).toEqual({ kind: 'free' });
  expect(await claims.take('back', 'b')).toBe(true);
});

test("what was sent is nobody's to hand over or to give back", async () => {
  await claims.take('sent', 'a');
  await claims.settle('sent');
  await claims.giveBack('sent', 'a');
  expect(await claims.look('sent')).toEqual({ kind: 'sent' });
  expect(await claims.take('sent', 'b')).toBe(false);
});

test.each([
  ['giveBack', 'free'],
  ['settle', 'sent'],
] as const)('a word that Redis does not take is said until it does: %s', async (word, state) => {
  await claims.take(word, 'a');
  const before = await refusalsOf(redis);
  await redis.client.call('ACL', 'SETUSER', 'default', '-eval', '-set');
  let isSaid = false;
  const said = claims[word](word, 'a').then(() => {
    isSaid = true;
  });
  await until('it was said in vain, twice', async () => (await refusalsOf(redis)) >= before + 2);
  expect(isSaid).toBe(false);
  await redis.client.call('ACL', 'SETUSER', 'default', '+eval', '+set');
  await said;
  expect((await claims.look(word)).kind).toBe(state);
});

test('how long it is in hand is known by the clock of Redis', async () => {
  await claims.take('old', 'a');
  await redis.client.pexpire('cybervpn:mail:claim:old', 86_400_000 - 70_000);
  const claim = await claims.look('old');
  expect(claim).toMatchObject({ kind: 'in_hand', forMs: expect.closeTo(70_000, -3) });
});
