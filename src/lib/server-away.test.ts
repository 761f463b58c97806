import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { isServerAway, outageOf } from './server-away.ts';

/** An error of a driver, as far as its kind is told by it. */
const replied = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });
const coded = (code: string, message = 'said the server', more: object = {}): Error =>
  Object.assign(new Error(message), { code, ...more });

describe('an outage is', () => {
  test.each([
    ['OOM', "OOM command not allowed when used memory > 'maxmemory'."],
    ['OOM', 'ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -OOM command not allowed'],
    ['NOPERM', "NOPERM this user has no permissions to run the 'info' command"],
    ['MISCONF', 'MISCONF Redis is configured to save RDB snapshots, but is currently unable to persist to disk.'],
    ['READONLY', "READONLY You can't write against a read only replica."],
    ['LOADING', 'LOADING Redis is loading the dataset in memory'],
    ['CLUSTERDOWN', 'CLUSTERDOWN The cluster is down'],
    ['MASTERDOWN', "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."],
    ['TRYAGAIN', 'TRYAGAIN Multiple keys request during rehashing of slot'],
    ['NOREPLICAS', 'NOREPLICAS Not enough good replicas to write.'],
    ['UNBLOCKED', 'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)'],
    ['BUSY', 'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.'],
    ['NOAUTH', 'NOAUTH Authentication required.'],
    ['WRONGPASS', 'WRONGPASS invalid username-password pair or user is disabled.'],
    ['ERR', 'ERR max number of clients reached'],
    ['ERR', "ERR The user executing the script can't run this command or subcommand script"],
  ])('the reply %s of Redis: %s', (cause, message) => {
    expect(outageOf(replied(message))).toBe(cause);
  });

  test.each([
    '25006',
    '57P01',
    '57P02',
    '57P03',
    '57P05',
    '53000',
    '53100',
    '53200',
    '53300',
    '08000',
    '08006',
    '08P01',
  ])('SQLSTATE %s of PostgreSQL', (code) => expect(outageOf(coded(code))).toBe(code));

  test('a database that takes no connections', () => {
    expect(outageOf(coded('55000', 'database "cybervpn" is not currently accepting connections'))).toBe('postgresql');
  });

  test('an address that does not answer, which is named', () => {
    const refused = coded('ECONNREFUSED', 'connect ECONNREFUSED', { address: '10.0.0.5', port: 6379 });
    expect(outageOf(refused)).toBe('ECONNREFUSED 10.0.0.5:6379');
    const noSocket = coded('ENOENT', 'connect ENOENT', {
      address: '/run/postgresql/.s.PGSQL.5432',
      syscall: 'connect',
    });
    expect(outageOf(noSocket)).toBe('ENOENT /run/postgresql/.s.PGSQL.5432');
  });

  test.each(['Connection is closed.', 'Command timed out', "Stream isn't writeable and enableOfflineQueue is false"])(
    'what ioredis says without a code: %s',
    (message) => expect(outageOf(new Error(message))).toBe('redis'),
  );

  test('the cause of another error, and an error inside a transaction', () => {
    expect(isServerAway(new Error('not written', { cause: replied('OOM command not allowed') }))).toBe(true);
    const discarded = replied('EXECABORT Transaction discarded because of previous errors.');
    expect(outageOf(Object.assign(discarded, { previousErrors: [replied('MISCONF x')] }))).toBe('MISCONF');
  });
});

test.each([
  replied('WRONGTYPE Operation against a key holding the wrong kind of value'),
  replied('BUSYGROUP Consumer Group name already exists'),
  replied('NOSCRIPT No matching script.'),
  replied("ERR unknown command 'x'"),
  coded('23505'),
  coded('42501'),
  coded('40001'),
  coded('ENOENT', 'no such file', { syscall: 'open' }),
  new Error('OOM of a word in a text'),
  'READONLY You cannot',
])('no outage: %s', (error) => {
  expect(outageOf(error)).toBeUndefined();
});

test('a reply of a real connection keeps its kind', async () => {
  const redis = new Redis(1, { lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 });
  redis.on('error', () => undefined);
  await expect(redis.ping()).rejects.toSatisfy(isServerAway);
});
