import { expect, test } from 'vitest';
import { testRedis } from './redis.ts';

test('two test files share neither keys nor channels', async () => {
  await using a = await testRedis();
  await using b = await testRedis();
  await a.client.set('key', 'of a');
  expect(await b.client.get('key')).toBeNull();
  await using subscriber = await testRedis();
  await subscriber.client.subscribe('channel');
  expect(await a.client.publish('channel', 'hello')).toBe(0);
});
