import type { Call, Step } from './steps.ts';

const get = (name: string, request: Partial<Call> = {}): Call => ({
  name,
  method: 'GET',
  path: '/api/system/metadata',
  ...request,
});

/** Connections, tokens and routes, before anything is asked of a user. */
export function transport(): Step[] {
  return [
    get('version'),
    get('without forwarded headers', { without: ['x-forwarded-for', 'x-forwarded-proto'] }),
    get('without x-forwarded-for', { without: ['x-forwarded-for'] }),
    get('without x-forwarded-proto', { without: ['x-forwarded-proto'] }),
    get('x-forwarded-proto says http', { headers: { 'x-forwarded-proto': 'http' } }),
    get('x-forwarded-for is empty', { headers: { 'x-forwarded-for': '' } }),
    get('wrong token', { token: 'wrong' }),
    get('no token', { token: 'none' }),
    get('token without Bearer', { token: 'bare' }),
    get('token that was deleted', { token: 'deleted' }),
    get('wrong token and no forwarded headers', { token: 'wrong', without: ['x-forwarded-for', 'x-forwarded-proto'] }),
    get('wrong token, unknown route', { token: 'wrong', path: '/api/nothing' }),
    get('unknown route', { path: '/api/nothing' }),
    get('route with a slash behind it', { path: '/api/system/metadata/' }),
    get('twice a slash', { path: '/api//system/metadata' }),
    get('unknown method', { method: 'PUT', path: '/api/users', body: {} }),
    get('bandwidth of now, which no version serves', { path: '/api/bandwidth-stats/nodes/realtime' }),
    get('health where no version has it', { path: '/api/health' }),
    get('body that is no JSON', { method: 'POST', path: '/api/users', text: '{"username":' }),
    get('body that is a list', { method: 'POST', path: '/api/users', text: '[]' }),
    get('no body', { method: 'POST', path: '/api/users' }),
    get('body without its type', {
      method: 'POST',
      path: '/api/users',
      text: '{"username":"untyped"}',
      headers: { 'content-type': 'text/plain' },
    }),
    get('wrong token and a body that is no JSON', { token: 'wrong', method: 'POST', path: '/api/users', text: '{' }),
  ];
}
