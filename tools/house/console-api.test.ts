import { expect, test } from 'vitest';
import { loadTasks } from '../../src/runtime/registry.ts';
import { apiRoutes } from '../../src/triggers/http/api/routes.ts';
import { loadViews } from '../../src/triggers/http/console/load-views.ts';
import type { HttpContext } from '../../src/triggers/http/context.ts';
import { consoleWithoutApi } from './console-api.ts';

const views = await loadViews();
// Only what the routes say is needed here; none is called.
const routes = apiRoutes({ registry: await loadTasks(), exports: {} } as unknown as HttpContext);

test('what a person sees and does in the console, a program can read and do over the API, in the same role', () => {
  expect(consoleWithoutApi(views, routes)).toEqual([]);
});

const part = { name: 'list' };
const view = { path: '/wallets', needs: 'view', parts: [part], deeds: { close: { needs: 'admin' } } } as const;
const operations = [
  { id: 'listWallets', needs: 'view' },
  { id: 'closeWallet', needs: 'owner' },
] as const;

test.each([
  ['a view without a line', {}, ['/wallets has no line']],
  ['a button without a line', { '/wallets': { parts: { list: ['listWallets'] } } }, ['the button close of /wallets']],
  ['a line of no view', { '/gone': { parts: {} } }, ['/gone is no view', '/wallets has no line']],
  [
    'an operation that there is not, a part that there is not, and another role',
    { '/wallets': { parts: { list: ['listPurses'], old: ['listWallets'] }, deeds: { close: ['closeWallet'] } } },
    ['/wallets has no old', 'there is no operation listPurses', 'it needs admin, and its operations owner'],
  ],
  [
    'a reason for nothing',
    {
      '/wallets': {
        parts: { list: { operations: ['listWallets'], roles: 'x' } },
        deeds: { close: { operations: ['closeWallet'], roles: 'x' } },
      },
    },
    ['the roles are the same'],
  ],
])('%s is found', (_what, table, found) => {
  expect(consoleWithoutApi([view], operations, table)).toEqual(found.map((text) => expect.stringContaining(text)));
});
