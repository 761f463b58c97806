import { describe, expect, test } from 'vitest';
import { emailAddress, mailbox, wireAddress } from './email-address.ts';

/** What pydantic's `EmailStr` (email-validator 2.3.0) makes of each, and the form for a mail server that the same library names. */
const TAKEN: readonly (readonly [given: string, wire: string])[] = [
  ['ivan@example.com', 'ivan@example.com'],
  ['Ivan.Petrov@Example.COM', 'Ivan.Petrov@example.com'],
  ['ivan+vpn@example.com', 'ivan+vpn@example.com'],
  ['r&d@example.com', 'r&d@example.com'],
  ["o'brien@example.com", "o'brien@example.com"],
  ["!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"],
  ['a@b.co', 'a@b.co'],
  ['-@example.com', '-@example.com'],
  ['ivan@sub.sub.example.co.uk', 'ivan@sub.sub.example.co.uk'],
  ['ivan@1and1.com', 'ivan@1and1.com'],
  ['ivan@xn--e1afmkfd.xn--p1ai', 'ivan@xn--e1afmkfd.xn--p1ai'],
  ['ivan@пример.рф', 'ivan@xn--e1afmkfd.xn--p1ai'],
  ['ivan@ПРИМЕР.рф', 'ivan@xn--e1afmkfd.xn--p1ai'],
  ['ivan@straße.de', 'ivan@xn--strae-oqa.de'],
  ['ivan@例え。テスト', 'ivan@xn--r8jz45g.xn--zckzah'],
  ['ivan@مثال.إختبار', 'ivan@xn--mgbh0fb.xn--kgbechtv'],
  ['ivan@ｅｘａｍｐｌｅ.com', 'ivan@example.com'],
  ['ivan@नेपाल.com', 'ivan@xn--l2bey1c2b.com'],
  ['x@l·l.cat', 'x@xn--ll-0ea.cat'],
  ['иван@пример.рф', 'иван@xn--e1afmkfd.xn--p1ai'],
  ['иван@example.com', 'иван@example.com'],
  ['jose\u0301@example.com', 'jos\u00e9@example.com'],
  ['用户@例子.广告', '用户@xn--fsqu00a.xn--4rr70v'],
  ['δοκιμή@παράδειγμα.δοκιμή', 'δοκιμή@xn--hxajbheg2az3al.xn--jxalpdlp'],
  ['emoji😀@example.com', 'emoji😀@example.com'],
  [`${'a'.repeat(90)}@example.com`, `${'a'.repeat(90)}@example.com`],
  [`a@${'b'.repeat(63)}.com`, `a@${'b'.repeat(63)}.com`],
];

/** That library refuses each of these too. */
const REFUSED: readonly (readonly [given: string, problem: RegExp])[] = [
  ['', /must have an @/],
  ['ivan', /must have an @/],
  ['ivan＠example.com', /must have an @/],
  ['@example.com', /before the @/],
  ['iv an@example.com', /before the @/],
  ['.ivan@example.com', /before the @/],
  ['ivan.@example.com', /before the @/],
  ['iv..an@example.com', /before the @/],
  ['"iv an"@example.com', /before the @/],
  ['ivan>@example.com', /before the @/],
  ['ivan,x@example.com', /before the @/],
  ['ivan(comment)@example.com', /before the @/],
  ['ivan\n@example.com', /before the @/],
  ['ivan\0@example.com', /before the @/],
  ['\u0301ivan@example.com', /before the @/],
  ['iv\u200ban@example.com', /before the @/],
  ['iv\u00a0an@example.com', /before the @/],
  ['iv\u202ean@example.com', /before the @/],
  ['iv\ud83dan@example.com', /before the @/],
  ['ivan@', /after the @/],
  ['ivan@example', /after the @/],
  ['ivan@@example.com', /after the @/],
  ['ivan@exa mple.com', /after the @/],
  ['ivan@example..com', /after the @/],
  ['ivan@-example.com', /after the @/],
  ['ivan@example.com.', /after the @/],
  ['ivan@[192.0.2.1]', /after the @/],
  ['ivan@192.0.2.1', /after the @/],
  ['ivan@exam_ple.com', /after the @/],
  ['ivan@ab--cd.com', /after the @/],
  ['ivan@⒈.com', /after the @/],
  ['ivan@ex\u2028ample.com', /after the @/],
  ['ivan@example.com,x@example.com', /after the @/],
  ['ivan@example.com\nBcc: x@example.com', /after the @/],
  ['ivan@example.com\r\nRCPT TO:<x@example.com>', /after the @/],
  [`a@${'b'.repeat(64)}.com`, /after the @/],
  [`${'a'.repeat(243)}@example.com`, /at most 254 bytes/],
  [`${'я'.repeat(122)}@example.com`, /at most 254 bytes/],
];

describe('an e-mail address', () => {
  test.each(TAKEN)('%s is taken, and told to a server as %s', (given, wire) => {
    expect(emailAddress.safeParse(given)).toEqual({ success: true, data: given });
    expect(wireAddress(given).address).toBe(wire);
  });

  test.each(REFUSED)('%j is refused, and its value is not in the reason', (given, problem) => {
    const [issue] = emailAddress.safeParse(given).error!.issues;
    expect(issue!.message).toMatch(problem);
    if (given.length > 1) expect(issue!.message).not.toContain(given);
    expect(() => wireAddress(given)).toThrow(problem);
  });

  test.each(['ivan@vpn.test', 'ivan@server.local'])('%s, which no public server has, is taken', (given) => {
    expect(emailAddress.safeParse(given).success).toBe(true);
  });

  test('only what stands before the @ can need a server with SMTPUTF8', () => {
    expect(wireAddress('ivan@пример.рф').needsUtf8).toBe(false);
    expect(wireAddress('иван@example.com').needsUtf8).toBe(true);
  });

  test('a megabyte of hostile text costs nothing', () => {
    const before = process.cpuUsage();
    for (const part of ['a.', 'a', '@', '.', 'я', '-', 'xn--'])
      expect(emailAddress.safeParse(part.repeat(1_000_000 / part.length)).success).toBe(false);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(100);
  });
});

test.each([
  ['no-reply@vpn.example', { name: '', address: 'no-reply@vpn.example' }],
  ['CyberVPN <no-reply@vpn.example>', { name: 'CyberVPN', address: 'no-reply@vpn.example' }],
  ['"Cyber, VPN" <no-reply@vpn.example>', { name: 'Cyber, VPN', address: 'no-reply@vpn.example' }],
  ['Кибер <нет@пример.рф>', { name: 'Кибер', address: 'нет@xn--e1afmkfd.xn--p1ai' }],
])('the sender %s is read', (given, { address, name }) => {
  expect(mailbox(given)).toMatchObject({ name, address: { address } });
});

test.each([
  '',
  'CyberVPN',
  'CyberVPN <>',
  'CyberVPN <x>',
  'Cyber\r\nBcc: x@y.example <a@vpn.example>',
  'a@b.example, c@d.example',
])('%j is no sender', (given) => {
  expect(mailbox(given)).toBeUndefined();
});
