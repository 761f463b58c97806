import { describe, expect, test } from 'vitest';
import { filesOfRedisUrl, parseRedisUrl, secretsOfRedisUrl } from './redis-url.ts';

describe('REDIS_URL', () => {
  test.each([
    ['redis://redis', { kind: 'single', nodes: [{ host: 'redis', port: 6379 }], db: 0 }],
    ['redis://redis:6380/3', { kind: 'single', nodes: [{ host: 'redis', port: 6380 }], db: 3 }],
    ['redis://[::1]:7000/', { kind: 'single', nodes: [{ host: '::1', port: 7000 }], db: 0 }],
    [
      'redis+cluster://[2001:db8::1]:7000,[2001:db8::2]',
      {
        kind: 'cluster',
        nodes: [
          { host: '2001:db8::1', port: 7000 },
          { host: '2001:db8::2', port: 6379 },
        ],
        db: 0,
      },
    ],
    [
      'redis+sentinel://[2001:db8::1],[2001:db8::2]:5000/main/1',
      {
        kind: 'sentinel',
        nodes: [
          { host: '2001:db8::1', port: 26_379 },
          { host: '2001:db8::2', port: 5000 },
        ],
        db: 1,
        sentinel: { master: 'main' },
      },
    ],
    ['redis://:p%40ss@r:1/0', { kind: 'single', nodes: [{ host: 'r', port: 1 }], db: 0, password: 'p@ss' }],
    [
      'redis+cluster://me:pw@a:7000,b:7001,c',
      {
        kind: 'cluster',
        nodes: [
          { host: 'a', port: 7000 },
          { host: 'b', port: 7001 },
          { host: 'c', port: 6379 },
        ],
        db: 0,
        username: 'me',
        password: 'pw',
      },
    ],
    [
      'redis+sentinel://:pw@s1,s2:26380/mymaster/2?sentinel_username=u&sentinel_password=spw',
      {
        kind: 'sentinel',
        nodes: [
          { host: 's1', port: 26_379 },
          { host: 's2', port: 26_380 },
        ],
        db: 2,
        password: 'pw',
        sentinel: { master: 'mymaster', username: 'u', password: 'spw' },
      },
    ],
    ['rediss://r:6380/0', { kind: 'single', nodes: [{ host: 'r', port: 6380 }], db: 0, tls: { verify: 'full' } }],
    [
      'rediss+cluster://r?ssl_ca_certs=/ca.pem&ssl_check_hostname=false',
      { kind: 'cluster', nodes: [{ host: 'r', port: 6379 }], db: 0, tls: { verify: 'chain', caFile: '/ca.pem' } },
    ],
    [
      'rediss://r?ssl_cert_reqs=none&ssl_certfile=/c.pem&ssl_keyfile=/k.pem',
      {
        kind: 'single',
        nodes: [{ host: 'r', port: 6379 }],
        db: 0,
        tls: { verify: 'none', certFile: '/c.pem', keyFile: '/k.pem' },
      },
    ],
  ])('%s is understood', (url, address) => {
    expect(parseRedisUrl(url)).toEqual(address);
  });

  test.each([
    ['http://redis', /^must look like redis:/],
    ['redis://a,b', /^names several hosts/],
    ['redis://a:port', /^has a host that is not host:port/],
    ['redis://a:70000', /^has a host that is not host:port/],
    ['redis://', /^has a host that is not host:port/],
    ['redis://a/zero', /^must end in the number of a database/],
    ['redis://a/0/1', /^has a path of too many parts/],
    ['redis+cluster://a,b/1', /^names a database, but a cluster has only number 0/],
    ['redis+sentinel://a,b', /^needs the name of the master/],
    ['redis://a?ssl_ca_certs=/ca.pem', /^has ssl_ca_certs, which needs rediss:/],
    ['rediss://a?ssl_ca_cert=/ca.pem', /^has a parameter that is not known; known are ssl_ca_certs/],
    ['redis://a?sentinel_password=x', /^has a parameter that is not known/],
    ['rediss://a?ssl_certfile=/c.pem', /^needs ssl_certfile and ssl_keyfile together/],
    ['rediss://a?ssl_cert_reqs=maybe', /^has a ssl_cert_reqs that is neither required nor none/],
    ['redis://u:50%@a', /^has a % in its user or password/],
  ])('%s is refused with a reason', (url, reason) => {
    expect(() => parseRedisUrl(url)).toThrow(reason);
  });

  test('names what must be masked and which files are read', () => {
    expect(secretsOfRedisUrl('redis+sentinel://:one@s/m?sentinel_password=two')).toEqual(['one', 'two']);
    expect(secretsOfRedisUrl('redis://r')).toEqual([]);
    expect(filesOfRedisUrl('rediss://r?ssl_ca_certs=/a&ssl_certfile=/b&ssl_keyfile=/c')).toEqual(['/a', '/b', '/c']);
  });
});
