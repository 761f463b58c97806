import { type Call, type Keys, type Step, settle, someone } from './steps.ts';

const post = (name: string, path: string, body?: unknown): Call => ({
  name,
  method: 'POST',
  path,
  ...(body !== undefined && { body }),
});
const get = (name: string, path: string): Call => ({ name, method: 'GET', path });
const show = (user: string): Call => get(`${user} afterwards`, `/api/users/{${user}}`);

/** What creates, changes, switches and removes one user. */
export function changing(keys: Keys): Step[] {
  return [...creating(), ...patching(keys), ...acting(keys), ...byItself()];
}

function creating(): Step[] {
  const create = (name: string, body: object): Call =>
    post(`create: ${name}`, '/api/users', {
      username: `c_${name.replace(/[^a-z0-9]+/gi, '_')}`.slice(0, 36),
      expireAt: '<+30d>',
      ...body,
    });
  return [
    create('nothing but the needed', {}),
    create('the same name again', { username: 'alice' }),
    create('the same name in capitals', { username: 'ALICE' }),
    create('no name', { username: undefined }),
    create('no date', { expireAt: undefined }),
    create('a date that is none', { expireAt: 'tomorrow' }),
    create('a number for a date', { expireAt: 1_800_000_000 }),
    create('a date without a zone', { expireAt: '2031-01-01T00:00:00' }),
    create('a short name', { username: 'ab' }),
    create('a long name', { username: 'x'.repeat(37) }),
    create('an odd name', { username: 'имя имя' }),
    create('status EXPIRED', { status: 'EXPIRED' }),
    create('status LIMITED', { status: 'LIMITED' }),
    create('status DISABLED', { status: 'DISABLED' }),
    create('an unknown status', { status: 'SLEEPING' }),
    create('negative traffic', { trafficLimitBytes: -1 }),
    create('half a byte', { trafficLimitBytes: 1.5 }),
    create('traffic as text', { trafficLimitBytes: '100' }),
    create('very much traffic', { trafficLimitBytes: 9_007_199_254_740_991 }),
    create('traffic beyond every number', { trafficLimitBytes: 1e30 }),
    create('an unknown strategy', { trafficLimitStrategy: 'YEAR' }),
    create('rolling months', { trafficLimitStrategy: 'MONTH_ROLLING' }),
    create('Telegram id as text', { telegramId: '555' }),
    create('Telegram id 0', { telegramId: 0 }),
    create('negative Telegram id', { telegramId: -1_001_234_567_890 }),
    create('Telegram id with a fraction', { telegramId: 1.5 }),
    create('Telegram id beyond every number', { telegramId: 1e20 }),
    create('no Telegram id', { telegramId: null }),
    create('a tag in small letters', { tag: 'paid' }),
    create('a long tag', { tag: 'X'.repeat(17) }),
    create('an odd e-mail', { email: 'not an address' }),
    create('an unknown field', { shoeSize: 43 }),
  ];
}

function patching(keys: Keys): Step[] {
  const patch = (name: string, body: object, user = 'plain'): Call => ({
    name: `patch: ${name}`,
    method: 'PATCH',
    path: '/api/users',
    body: { ...keys.one(user), ...body },
  });
  return [
    patch('a date', { expireAt: '<+60d>' }),
    patch('a date in the past', { expireAt: '<-1d>' }),
    patch('nothing', {}),
    patch('an unknown field', { shoeSize: 43 }),
    patch('nobody', { expireAt: '<+60d>' }, '?'),
    { name: 'patch: no key', method: 'PATCH', path: '/api/users', body: { expireAt: '<+60d>' } },
    { name: 'patch: by name', method: 'PATCH', path: '/api/users', body: { username: 'plain', expireAt: '<+61d>' } },
    {
      name: 'patch: by a name of nobody',
      method: 'PATCH',
      path: '/api/users',
      body: { username: 'nobody', expireAt: '<+61d>' },
    },
    {
      name: 'patch: a key of the wrong type',
      method: 'PATCH',
      path: '/api/users',
      body: { uuid: 5, id: 'five', expireAt: '<+61d>' },
    },
    patch('status DISABLED', { status: 'DISABLED' }),
    patch('status DISABLED again', { status: 'DISABLED' }),
    patch('status ACTIVE', { status: 'ACTIVE' }),
    patch('status LIMITED', { status: 'LIMITED' }),
    patch('status EXPIRED', { status: 'EXPIRED' }),
    patch('tag and Telegram id', { tag: 'AUTO_RENEW', telegramId: 777 }),
    patch('no tag, no Telegram id', { tag: null, telegramId: null }),
    patch('Telegram id 10^18', { telegramId: 1_000_000_000_000_000_000 }),
    patch('a limit', { trafficLimitBytes: 5_000_000_000, trafficLimitStrategy: 'DAY' }),
    patch('a negative limit', { trafficLimitBytes: -1 }),
    show('plain'),
  ];
}

function acting(keys: Keys): Step[] {
  const act = (action: string, user = '{plain}', body?: unknown, name = `${action} ${user}`): Call =>
    post(`act: ${name}`, `/api/users/${user}/actions/${action}`, body);
  const odd = ['not-a-key', '9007199254740993', '00000000-0000-4000-8000-00000000beef'];
  const each = ['disable', 'enable', 'reset-traffic', 'revoke'];
  return [
    act('enable', '{plain}', undefined, 'enable who is on'),
    act('disable', '{plain}'),
    act('disable', '{plain}', undefined, 'disable again'),
    act('reset-traffic', '{plain}', undefined, 'reset who is off'),
    act('enable', '{plain}', undefined, 'enable who is off'),
    act('enable', '{plain}', undefined, 'enable again'),
    act('reset-traffic', '{plain}'),
    act('reset-traffic', '{plain}', undefined, 'reset again'),
    act('revoke', '{plain}', {}),
    act('sleep', '{plain}', {}, 'an unknown action'),
    ...each.flatMap((action) => [keys.unknown, ...odd].map((user) => act(action, user, {}))),
    ...[1, 0, -1, 1.5, 'one', 10_000].map((days) => act('extend', '{plain}', { days }, `extend by ${days} days`)),
    someone('leaver'),
    { name: 'delete', method: 'DELETE', path: '/api/users/{leaver}' },
    { name: 'delete again', method: 'DELETE', path: '/api/users/{leaver}' },
    show('leaver'),
    ...odd.map((user): Call => ({ name: `delete ${user}`, method: 'DELETE', path: `/api/users/${user}` })),
    someone('leaver', { telegramId: 42 }),
    post('resolve by name', '/api/users/resolve', { username: 'plain' }),
    post('resolve a name of nobody', '/api/users/resolve', { username: 'nobody' }),
    post('resolve nothing', '/api/users/resolve', {}),
    post('resolve two things', '/api/users/resolve', { username: 'plain', shortUuid: 'nobody' }),
  ];
}

/** States that the panel gives by itself, and how its calls meet them. */
function byItself(): Step[] {
  return [
    someone('late', { expireAt: '<-2d>' }),
    someone('late_off', { expireAt: '<-2d>', status: 'DISABLED' }),
    someone('eater', { trafficLimitBytes: 1000 }),
    { name: 'eater eats', given: { what: 'traffic', user: 'eater', usedTrafficBytes: 5000 } },
    { name: 'late expires', wait: { user: 'late', status: 'EXPIRED' } },
    { name: 'eater is limited', wait: { user: 'eater', status: 'LIMITED' } },
    show('late'),
    show('late_off'),
    show('eater'),
    ...['late', 'eater'].flatMap((user): Step[] => [
      {
        name: `patch ${user} to DISABLED`,
        method: 'PATCH',
        path: '/api/users',
        body: { username: user, status: 'DISABLED' },
      },
      post(`disable ${user}`, `/api/users/{${user}}/actions/disable`),
      post(`enable ${user}`, `/api/users/{${user}}/actions/enable`),
    ]),
    { name: 'late expires again', wait: { user: 'late', status: 'EXPIRED' } },
    { name: 'eater is limited again', wait: { user: 'eater', status: 'LIMITED' } },
    {
      name: 'patch the date of who is limited',
      method: 'PATCH',
      path: '/api/users',
      body: { username: 'eater', expireAt: '<+40d>' },
    },
    post('reset who is limited', '/api/users/{eater}/actions/reset-traffic'),
    {
      name: 'patch the date of who is expired',
      method: 'PATCH',
      path: '/api/users',
      body: { username: 'late', expireAt: '<+5d>' },
    },
    {
      name: 'patch the date of who is off',
      method: 'PATCH',
      path: '/api/users',
      body: { username: 'late_off', expireAt: '<+5d>' },
    },
    settle('all of it'),
    show('late_off'),
  ];
}
