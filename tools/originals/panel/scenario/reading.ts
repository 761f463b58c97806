import { type Call, type Keys, type Step, someone } from './steps.ts';

const get = (name: string, path: string, query?: Record<string, string>): Call => ({
  name,
  method: 'GET',
  path,
  ...(query && { query }),
});

const SORTED = (id: string, desc: boolean | string = false): string => JSON.stringify([{ id, desc }]);

/** Users by key and by list. */
export function reading(keys: Keys): Step[] {
  return [
    someone('alice', {
      telegramId: 555,
      email: 'alice@example.com',
      tag: 'PAID',
      trafficLimitBytes: 1_000_000_000,
      trafficLimitStrategy: 'MONTH',
    }),
    someone('bob', { telegramId: 555 }),
    someone('odd_telegram', { telegramId: 1_000_000_000_000_000_000 }),
    someone('plain'),
    get('one user', '/api/users/{alice}'),
    get('nobody', `/api/users/${keys.unknown}`),
    ...[
      'not-a-key',
      '0',
      '-1',
      '1.5',
      '1e3',
      '9007199254740993',
      '99999999999999999999',
      '00000000-0000-4000-8000-00000000beef',
      '%20',
      'null',
    ].map((key) => get(`user by the key ${key}`, `/api/users/${key}`)),
    get('user by name', '/api/users/by-username/alice'),
    get('user by name, other case', '/api/users/by-username/ALICE'),
    get('user by a name of nobody', '/api/users/by-username/nobody'),
    get('user by an odd name', `/api/users/by-username/${encodeURIComponent('имя/../%00')}`),
    get('user by a long name', `/api/users/by-username/${'x'.repeat(300)}`),
    get('user by a short uuid of nobody', '/api/users/by-short-uuid/nobody'),
    get('users of a person', '/api/users/by-telegram-id/555'),
    get('users of nobody', '/api/users/by-telegram-id/777'),
    ...['1000000000000000000', '9223372036854775808', 'abc', 'null', '-5', '1.5', '%20'].map((id) =>
      get(`users of the person ${id}`, `/api/users/by-telegram-id/${id}`),
    ),
    ...lists(keys),
    ...streams(),
  ];
}

function lists({ generation }: Keys): Step[] {
  const list = (name: string, query: Record<string, string>) => get(`list: ${name}`, '/api/users', query);
  return [
    get('list', '/api/users'),
    list('two of them', { size: '2', start: '0' }),
    list('the next two', { size: '2', start: '2' }),
    list('behind the end', { size: '10', start: '1000' }),
    ...['0', '1', '1000', '1001', '-1', '1.5', '', 'abc', 'null'].map((size) => list(`size ${size}`, { size })),
    ...['-1', '-0', '1.5', '', 'abc', 'null', '99999999999999999999'].map((start) => list(`start ${start}`, { start })),
    list('oldest first', { sorting: SORTED('createdAt') }),
    list('by name, backwards', { sorting: SORTED('username', true) }),
    list('as the worker sorts on 2.x', {
      start: '0',
      size: '1000',
      sorting: JSON.stringify([
        { id: 'createdAt', desc: false },
        { id: 'uuid', desc: false },
      ]),
    }),
    list('by id', { sorting: SORTED('id') }),
    list('by expiry', { sorting: SORTED('expireAt') }),
    list('by a column of nobody', { sorting: SORTED('shoeSize') }),
    list('by a direction that is text', { sorting: SORTED('createdAt', 'yes') }),
    list('sorting that is no JSON', { sorting: 'createdAt' }),
    list('sorting that is no list', { sorting: '{"id":"createdAt","desc":false}' }),
    list('sorting by nothing', { sorting: '[]' }),
    list('an unknown parameter', { size: '1', nonsense: 'yes' }),
    ...(generation === 3 ? [get('list with a slash behind it', '/api/users/', { size: '1' })] : []),
  ];
}

function streams(): Step[] {
  const stream = (name: string, query: Record<string, string>) => get(`stream: ${name}`, '/api/users/stream', query);
  return [
    get('stream', '/api/users/stream'),
    stream('two of them', { size: '2' }),
    ...['0', '1', '1000', '1001', '-1', '1.5', '', 'abc'].map((size) => stream(`size ${size}`, { size })),
    ...['0', '', 'null', 'abc', '-1', '1.5', '999999999', '9007199254740993'].map((cursor) =>
      stream(`cursor ${cursor}`, { cursor }),
    ),
    stream('a person', { telegramId: '555' }),
    ...[
      '777',
      '',
      'null',
      'abc',
      '-5',
      '0',
      '1.5',
      '1000000000000000000',
      '9007199254740993',
      '99999999999999999999',
    ].map((telegramId) => stream(`the person ${telegramId}`, { telegramId })),
    stream('status ACTIVE', { status: 'ACTIVE' }),
    stream('status DISABLED', { status: 'DISABLED' }),
    stream('an unknown status', { status: 'SLEEPING' }),
    stream('a status in small letters', { status: 'active' }),
    stream('an unknown parameter', { size: '1', nonsense: 'yes' }),
  ];
}
