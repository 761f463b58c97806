import { type Call, type Given, type Keys, type Step, someone, type Weights } from './steps.ts';

const get = (name: string, path: string, query?: Record<string, string>): Call => ({
  name,
  method: 'GET',
  path,
  ...(query && { query }),
});
const post = (name: string, path: string): Call => ({ name, method: 'POST', path });

/** What the panel says of itself and its nodes. */
export function system(keys: Keys): Step[] {
  const bandwidth = (name: string, query: Record<string, string>) =>
    get(`bandwidth: ${name}`, '/api/bandwidth-stats/nodes', query);
  /** 2.x weighs the traffic of users alone. */
  const weights = (ofUsers: number, ofNode: number): Weights => ({
    consumptionMultiplier: ofUsers,
    ...(keys.generation === 3 && { nodeConsumptionMultiplier: ofNode }),
  });
  const node = (bind: string, name: string, countryCode: string, more: Weights = {}): Given['given'] => {
    return { what: 'node', bind, name, countryCode, ...more };
  };
  return [
    get('nodes before there is one', '/api/nodes'),
    get('metrics before there is a node', '/api/system/nodes/metrics'),
    { name: 'a node', given: node('frankfurt', 'Frankfurt', 'DE') },
    { name: 'a weighted node', given: node('warsaw', 'Warsaw', 'PL', weights(2.5, 1.5)) },
    { name: 'a free node', given: node('helsinki', 'Helsinki', 'FI', weights(0, 0)) },
    someone('walter'),
    someone('lena', { trafficLimitBytes: 2_000_000 }),
    { name: 'it connects', wait: { node: 'frankfurt', state: 'connected' } },
    { name: 'the weighted one connects', wait: { node: 'warsaw', state: 'connected' } },
    { name: 'the free one connects', wait: { node: 'helsinki', state: 'connected' } },
    get('nodes without traffic', '/api/nodes'),
    bandwidth('without traffic', { start: '<day 0>', end: '<day 0>' }),
    {
      name: 'traffic',
      given: { what: 'flow', node: 'frankfurt', bytes: 5_000_001, users: { walter: 1_000_001 } },
    },
    { name: 'traffic is counted', wait: { node: 'frankfurt', flownToday: 5_000_001 } },
    { name: 'and for its user', wait: { user: 'walter', usedTrafficBytes: 1_000_001 } },
    get('a user of a node', '/api/users/{walter}'),
    {
      name: 'weighted traffic',
      given: { what: 'flow', node: 'warsaw', bytes: 3_000_001, users: { walter: 1_000_001, lena: 1_000_000 } },
    },
    { name: 'weighted traffic is counted', wait: { node: 'warsaw', flownToday: 3_000_001 } },
    { name: 'and for its user, weighted', wait: { user: 'walter', usedTrafficBytes: 3_500_003 } },
    get('a user of a weighted node', '/api/users/{walter}'),
    { name: 'the weight uses up a limit', wait: { user: 'lena', status: 'LIMITED' } },
    get('who has used up the limit by weight', '/api/users/{lena}'),
    {
      name: 'free traffic',
      given: { what: 'flow', node: 'helsinki', bytes: 2_000_001, users: { walter: 1_000_001 } },
    },
    { name: 'free traffic is counted', wait: { node: 'helsinki', flownToday: 2_000_001 } },
    { name: 'and not for its user', wait: { user: 'walter', lastNode: 'helsinki' } },
    get('a user of a free node', '/api/users/{walter}'),
    get('nodes', '/api/nodes'),
    get('metrics', '/api/system/nodes/metrics'),
    bandwidth('today', { start: '<day 0>', end: '<day 0>' }),
    bandwidth('a week', { start: '<day -6>', end: '<day 0>' }),
    bandwidth('one node', { start: '<day 0>', end: '<day 0>', topNodesLimit: '1' }),
    bandwidth('backwards', { start: '<day 0>', end: '<day -6>' }),
    bandwidth('tomorrow', { start: '<day 1>', end: '<day 2>' }),
    bandwidth('instants', { start: '<+0d>', end: '<+0d>' }),
    bandwidth('no end', { start: '<day 0>' }),
    bandwidth('nothing', {}),
    bandwidth('a day that is none', { start: '2026-02-30', end: '2026-03-01' }),
    bandwidth('no days', { start: 'abc', end: 'def' }),
    bandwidth('no nodes', { start: '<day 0>', end: '<day 0>', topNodesLimit: '0' }),
    bandwidth('very many nodes', { start: '<day 0>', end: '<day 0>', topNodesLimit: '1001' }),
    get('health', '/api/system/health'),
    get('stats', '/api/system/stats'),
    get('stats of another zone', '/api/system/stats', { tz: 'Europe/Moscow' }),
    get('stats of no zone', '/api/system/stats', { tz: 'Mars/Olympus' }),
    get('bandwidth in words', '/api/system/stats/bandwidth'),
    { name: 'other weights', given: { what: 'weights', node: 'warsaw', ...weights(0.5, 4) } },
    { name: 'it connects again', wait: { node: 'warsaw', state: 'connected' } },
    {
      name: 'traffic of another weight',
      given: { what: 'flow', node: 'warsaw', bytes: 1_000_000, users: { walter: 1_000_000 } },
    },
    { name: 'it is counted', wait: { node: 'warsaw', flownToday: 4_000_001 } },
    { name: 'and for the user', wait: { user: 'walter', usedTrafficBytes: 4_000_003 } },
    get('a user of both weights', '/api/users/{walter}'),
    get('nodes, one of another weight', '/api/nodes'),
    bandwidth('of another weight', { start: '<day 0>', end: '<day 0>' }),
    get('hosts', '/api/hosts'),
    get('profiles', '/api/config-profiles'),
    get('inbounds', '/api/config-profiles/inbounds'),
    post('disable a node', '/api/nodes/{frankfurt}/actions/disable'),
    { name: 'it is off', wait: { node: 'frankfurt', state: 'disabled' } },
    post('disable a node again', '/api/nodes/{frankfurt}/actions/disable'),
    get('nodes, one off', '/api/nodes'),
    post('enable a node', '/api/nodes/{frankfurt}/actions/enable'),
    { name: 'it is on', wait: { node: 'frankfurt', state: 'connected' } },
    post('enable a node again', '/api/nodes/{frankfurt}/actions/enable'),
    { name: 'the other is lost', wait: { node: 'warsaw', state: 'down' } },
    get('nodes, one down', '/api/nodes'),
    post('disable a node of nobody', '/api/nodes/00000000-0000-4000-9000-00000000dead/actions/disable'),
    post('enable a node by no key', '/api/nodes/not-a-key/actions/enable'),
  ];
}

/** Tokens of 3.x that may do little; those of 2.x may do everything. */
export function scopes(): Step[] {
  const may = (token: readonly string[], call: Omit<Call, 'token' | 'name'>): Call => ({
    ...call,
    name: `${token.join('+') || 'no scope'}: ${call.method} ${call.path}`,
    token,
  });
  const users = { method: 'GET', path: '/api/users/stream', query: { size: '1' } } as const;
  const nodes = { method: 'GET', path: '/api/nodes' } as const;
  const disable = { method: 'POST', path: '/api/users/999999999/actions/disable' } as const;
  return [
    may(['users:read'], users),
    may(['users:read'], nodes),
    may(['users:read'], disable),
    may(['users:write'], users),
    may(['users:write'], disable),
    may(['users:*'], users),
    may(['users:*'], disable),
    may(['users:stream'], users),
    may(['users:stream'], disable),
    may(['nodes:read'], users),
    may(['nodes:read'], nodes),
    may(['nodes:read'], { method: 'GET', path: '/api/system/metadata' }),
    may(['nodes:read'], { method: 'GET', path: '/api/nothing' }),
    may(['nodes:read'], { method: 'POST', path: '/api/users', text: '{' }),
    may(['nodes:read'], { method: 'GET', path: '/api/users/not-a-key' }),
    may(['*'], disable),
  ];
}
