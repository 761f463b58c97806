import { describe, expect, test } from 'vitest';
import { filesOfPostgresUrl, postgresUrl } from './postgres-url.ts';

describe('DATABASE_URL', () => {
  test.each([
    ['postgres://u:p@db/x', 'postgresql://u:p@db/x'],
    ['postgresql+asyncpg://u:p@db:5433/x?application_name=a', 'postgresql://u:p@db:5433/x?application_name=a'],
    ['postgresql:///x?host=/run/postgresql', 'postgresql:///x?host=%2Frun%2Fpostgresql'],
    ['postgresql://%2Frun%2Fpostgresql/x', 'postgresql://%2Frun%2Fpostgresql/x'],
    ['postgresql://u:p%2Bq+r@/x?host=/run', 'postgresql:///x?host=/run&user=u&password=p+q%2Br'],
    ['postgresql://u@/x', 'postgresql:///x?user=u'],
    ['postgresql://u:p@[2001:db8::1]:5433/x', 'postgresql://u:p@[2001:db8::1]:5433/x'],
  ])('%s without TLS stays as it is', (given, url) => {
    expect(decodeURIComponent(postgresUrl(given))).toBe(decodeURIComponent(url));
  });

  test.each([
    ['postgresql://db/x?sslmode=verify-full&sslrootcert=/ca.pem', 'verify-full', ['/ca.pem']],
    ['postgresql://db/x?sslmode=verify-ca&sslrootcert=/ca.pem', 'verify-ca', ['/ca.pem']],
    ['postgresql://db/x?sslmode=require', 'require', []],
    ['postgresql://db/x?sslmode=disable', 'disable', []],
    ['postgresql://db/x?sslrootcert=system', 'verify-full', []],
    ['postgresql+asyncpg://db/x?ssl=require', 'require', []],
    ['postgresql+asyncpg://db/x?ssl=true', 'verify-full', []],
    ['postgresql://db/x?sslmode=verify-full&sslrootcert=/ca&sslcert=/c&sslkey=/k', 'verify-full', ['/ca', '/c', '/k']],
  ])('%s means %s, as libpq says', (given, mode, files) => {
    const url = postgresUrl(given);
    const query = new URL(url).searchParams;
    expect(query.get('sslmode')).toBe(mode);
    expect(query.get('uselibpqcompat')).toBe('true');
    expect(query.has('ssl')).toBe(false);
    expect(filesOfPostgresUrl(url)).toEqual(files);
  });

  test.each([
    ['mysql://db/x', /^must be a URL starting with postgresql:/],
    ['postgresql://a,b/x', /^names several hosts/],
    ['postgresql://a:1,b:2/x', /^must be a URL starting with postgresql:/],
    ['postgresql://db/x?sslmode=prefer', /^has an sslmode that is none of disable, require, verify-ca, verify-full/],
    ['postgresql://[::1]/x?sslmode=verify-full', /^names the server by its address, but verify-full compares names/],
    ['postgresql://10.0.0.1/x?sslrootcert=system', /^names the server by its address/],
    ['postgresql://db/x?sslmode=verify-ca', /^needs sslrootcert for verify-ca/],
    ['postgresql://db/x?sslrootcert=/ca.pem', /^has an sslrootcert but no sslmode/],
  ])('%s is refused with a reason', (url, reason) => {
    expect(() => postgresUrl(url)).toThrow(reason);
  });
});
