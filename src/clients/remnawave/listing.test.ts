import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { days } from '../../lib/duration.ts';
import { collect, never, testPanel } from '../../testing/test-panel.ts';

test('2.x: where too many users vanish at once to be sure of the rest, the listing fails', async () => {
  await using sandbox = await startPanelSandbox({ generation: 2 });
  for (let i = 0; i < 2000; i++) sandbox.addUser({ username: `user_${i}`, expireAt: Date.now() + days(1) });
  const { panel } = testPanel(sandbox);
  const iterate = async (): Promise<void> => {
    for await (const { username, id } of panel.users({}, never)) {
      if (Number(username.slice(5)) < 100) await panel.delete(id, never);
    }
  };
  await expect(iterate()).rejects.toMatchObject({ code: 'remnawave_listing_moved' });
});

test('2.x: an empty page in the middle is no end', async () => {
  await using sandbox = await startPanelSandbox({ generation: 2 });
  for (let i = 0; i < 1500; i++) sandbox.addUser({ username: `user_${i}`, expireAt: Date.now() + days(1) });
  const { panel } = testPanel(sandbox);
  const iterate = async (): Promise<void> => {
    let seen = 0;
    for await (const _ of panel.users({}, never)) if (++seen === 1) sandbox.lie({ kind: 'empty' });
  };
  await expect(iterate()).rejects.toMatchObject({ code: 'remnawave_listing_moved' });
});

test('3.x: a cursor that does not advance ends in an error, not in an endless listing', async () => {
  const server = createServer((request, response) => {
    const metadata = { response: { version: '3.3.2' } };
    const page = { response: { users: [], nextCursor: '5', hasMore: true } };
    response.end(JSON.stringify(request.url?.includes('metadata') ? metadata : page));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { panel } = testPanel({ url, token: 'token' });
  await expect(collect(panel.users({}, never))).rejects.toThrow('the cursor does not advance, 5 after 5');
  server.closeAllConnections();
  server.close();
});

test.each([2, 3] as const)('%i.x: 5000 users take as few calls as pages allow', async (generation) => {
  await using sandbox = await startPanelSandbox({ generation, users: 5000, validateResponses: 'sample' });
  const { panel } = testPanel(sandbox);
  expect(await collect(panel.users({}, never))).toHaveLength(5000);
  const route = generation === 2 ? 'GET /api/users' : 'GET /api/users/stream';
  expect(sandbox.calls().counts[route]).toBe(generation === 2 ? 6 : 5);
});
