import { expect, test } from 'vitest';
import { startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { days } from '../../lib/duration.ts';
import { never, testPanel } from '../../testing/test-panel.ts';

const alice = () => ({ username: 'alice', expireAt: Date.now() + days(1) });

test('a panel that is down at the start is used as soon as it is up, and asked for its version once', async () => {
  const first = await startPanelSandbox({ generation: 3 });
  const { port } = first;
  await first.stop();
  const { panel } = testPanel(first);
  await expect(panel.userByUsername('alice', never)).rejects.toMatchObject({ code: 'remnawave_unreachable' });

  await using sandbox = await startPanelSandbox({ generation: 3, port });
  sandbox.addUser(alice());
  expect(await panel.userByUsername('alice', never)).toMatchObject({ id: '1' });
  await panel.user('1', never);
  expect(sandbox.calls().counts['GET /api/system/metadata']).toBe(1);
});

test('a refusal that has another reason stays what it is', async () => {
  await using sandbox = await startPanelSandbox({ generation: 3 });
  sandbox.addUser(alice());
  const { panel } = testPanel(sandbox);
  await expect(panel.extendTo('1', new Date(0), never)).rejects.toMatchObject({ code: 'remnawave_rejected' });
});

test.each(['1.6.17', 'nightly', ''])('version "%s" is not supported and said so', async (version) => {
  await using sandbox = await startPanelSandbox({ generation: 3, version });
  const { panel } = testPanel(sandbox);
  await expect(panel.user('1', never)).rejects.toMatchObject({ code: 'remnawave_version' });
  await expect(panel.user('1', never)).rejects.toThrow(`"${version}" is not supported; 2.7 and 3.x are`);
});

test('a newer major is spoken to as the newest one known', async () => {
  await using sandbox = await startPanelSandbox({ generation: 3, version: '4.0.0-beta.1' });
  expect(await testPanel(sandbox).panel.version(never)).toEqual({
    version: '4.0.0-beta.1',
    generation: 3,
    usersHaveUuids: false,
  });
});

test('a base URL may end with a slash', async () => {
  await using sandbox = await startPanelSandbox({ generation: 2, nodes: 2 });
  expect((await testPanel({ url: `${sandbox.url}/`, token: sandbox.token }).panel.nodes(never)).items).toHaveLength(2);
});
