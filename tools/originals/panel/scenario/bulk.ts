import { type Call, type Keys, type Step, settle, someone } from './steps.ts';

const show = (user: string): Call => ({
  name: `${user} after the bulk call`,
  method: 'GET',
  path: `/api/users/{${user}}`,
});

/** Many users in one call. */
export function bulk(keys: Keys): Step[] {
  const post = (action: string, name: string, body: object): Call => ({
    name: `bulk ${action}: ${name}`,
    method: 'POST',
    path: `/api/users/bulk/${action}`,
    body,
  });
  const bodies: readonly [action: string, fields: object][] = [
    ['update', { fields: { tag: 'BULK' } }],
    ['reset-traffic', {}],
    ['extend-expiration-date', { extendDays: 3 }],
    ['delete', {}],
  ];
  const tooMany =
    keys.generation === 2
      ? { uuids: Array.from({ length: 501 }, () => keys.unknown) }
      : { userIds: Array.from({ length: 501 }, (_, i) => 900_000_000 + i) };
  const wrong = keys.generation === 2 ? { uuids: ['not-a-key'] } : { userIds: ['one'] };
  const odd = keys.generation === 2 ? { uuids: [5] } : { userIds: [9_007_199_254_740_992] };
  const refused = bodies.flatMap(([action, fields]) => [
    post(action, 'nobody named', { ...keys.many(), ...fields }),
    post(action, '501', { ...tooMany, ...fields }),
    post(action, 'a key that is none', { ...wrong, ...fields }),
    post(action, 'an odd key', { ...odd, ...fields }),
    post(action, 'no keys', fields),
    post(action, 'somebody unknown', { ...keys.many('?'), ...fields }),
  ]);
  const update = (name: string, fields: object) => post('update', name, { ...keys.many('bulk1'), fields });
  return [
    ...['bulk1', 'bulk2', 'bulk3'].map((name) => someone(name, { trafficLimitBytes: 1000 })),
    ...refused,
    settle('refused ones'),
    update('no fields', {}),
    update('status EXPIRED', { status: 'EXPIRED' }),
    update('status LIMITED', { status: 'LIMITED' }),
    update('a date in the past', { expireAt: '<-1d>' }),
    update('an unknown field', { shoeSize: 43 }),
    settle('odd updates'),
    show('bulk1'),
    post('update', 'three and somebody unknown', {
      ...keys.many('bulk1', 'bulk2', 'bulk3', '?'),
      fields: { status: 'DISABLED', tag: 'BULK', expireAt: '<+90d>' },
    }),
    settle('the update'),
    show('bulk1'),
    post('update', 'on again', { ...keys.many('bulk1', 'bulk2', 'bulk2'), fields: { status: 'ACTIVE', tag: null } }),
    settle('the second update'),
    show('bulk2'),
    { name: 'bulk1 eats', given: { what: 'traffic', user: 'bulk1', usedTrafficBytes: 500 } },
    post('reset-traffic', 'one', keys.many('bulk1', '?')),
    settle('the reset'),
    show('bulk1'),
    ...[1, 0, -1, 9999, 10_000].map((extendDays) =>
      post('extend-expiration-date', `by ${extendDays} days`, { ...keys.many('bulk2'), extendDays }),
    ),
    settle('the extension'),
    show('bulk2'),
    post('delete', 'two and somebody unknown', keys.many('bulk1', 'bulk2', '?')),
    settle('the deletion'),
    show('bulk1'),
    show('bulk3'),
    post('delete', 'again', keys.many('bulk1', 'bulk2')),
  ];
}
