import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jobIdOf, parseMessage } from './message.ts';

const parse = (text: string) => parseMessage(Buffer.from(text));
const valid = { task_id: 'a1', task_name: 'noop', labels: {}, args: [], kwargs: {} };

describe('both producers are understood', () => {
  test('the message that the backend builds by hand', () => {
    const data =
      '{"task_id": "6f1c2b9e-0d34-4f7a-9d2e-5b8a1c7e4f60", "task_name": "send_otp_email", "labels": {"queue": "email", "retry_policy": "email_delivery"}, "args": [], "kwargs": {"email": "us\\u00e9r@example.com", "otp_code": "123456", "locale": "en-EN", "is_resend": false, "channel": "web"}}';
    expect(parse(data)).toEqual({
      ok: true,
      message: {
        taskId: '6f1c2b9e-0d34-4f7a-9d2e-5b8a1c7e4f60',
        taskName: 'send_otp_email',
        labels: { queue: 'email', retry_policy: 'email_delivery' },
        args: [],
        kwargs: { email: 'usér@example.com', otp_code: '123456', locale: 'en-EN', is_resend: false, channel: 'web' },
      },
    });
  });

  test('the message that taskiq builds, with labels as text beside their types', () => {
    const message = { ...valid, labels: { timeout: '1.5', on: 'True' }, labels_types: { timeout: 4, on: 5 } };
    expect(parse(JSON.stringify(message))).toMatchObject({ message: { labels: { timeout: 1.5, on: true } } });
  });

  test('labels_types may be null', () => {
    const parsed = parse(JSON.stringify({ ...valid, labels: { n: '1' }, labels_types: null }));
    expect(parsed).toMatchObject({ ok: true, message: { labels: { n: '1' } } });
  });

  test('an integer beyond 2^53 keeps every digit, as text', () => {
    const parsed = parse(
      '{"task_id":"a","task_name":"b","labels":{},"args":[9007199254740993,1234567890123456,0.1234567890123456],"kwargs":{}}',
    );
    expect(parsed).toMatchObject({ message: { args: ['9007199254740993', 1234567890123456, 0.1234567890123456] } });
  });

  test('a field named __proto__ is a field like any other', () => {
    const parsed = parse(
      '{"task_id":"a","task_name":"b","labels":{"__proto__":1},"args":[],"kwargs":{"__proto__":{"x":1}}}',
    );
    if (!parsed.ok) throw new Error(parsed.detail);
    expect(Object.keys(parsed.message.kwargs)).toEqual(['__proto__']);
    expect(Object.keys(parsed.message.labels)).toEqual(['__proto__']);
  });
});

describe('what is no message is refused with the reason', () => {
  test('an entry without the field data', () => {
    expect(parseMessage(undefined)).toMatchObject({ ok: false, reason: 'no_data' });
  });

  test.each(['', 'hello', '{"task_id": NaN}', '{', '\u0080\u0004pickle'])('%j is not JSON', (text) => {
    expect(parse(text)).toMatchObject({ ok: false, reason: 'not_json' });
  });

  test('bytes that are no UTF-8 are not JSON', () => {
    expect(parseMessage(Uint8Array.of(0x22, 0xff, 0x22))).toMatchObject({ ok: false, reason: 'not_json' });
  });

  test.each(['null', '1', '"a"', '[]'])('%s is JSON but no object', (text) => {
    expect(parse(text)).toMatchObject({ ok: false, reason: 'invalid_field' });
  });

  test.each(Object.keys(valid))('a message without %s', (field) => {
    const rest = Object.fromEntries(Object.entries(valid).filter(([name]) => name !== field));
    const parsed = parse(JSON.stringify(rest));
    expect(parsed).toMatchObject({ ok: false, reason: 'missing_field' });
    expect(parsed).toHaveProperty('detail', expect.stringContaining(field));
  });

  test.each([
    { task_id: 5 },
    { task_id: '' },
    { task_id: 'x'.repeat(257) },
    { task_id: 'cybervpn:stats:daily:2026-01-01' },
    { task_id: 'lockout:1' },
    { task_id: 'bull:{sync}:meta' },
    { task_id: 'a\u0000b' },
    { task_id: '\ud800' },
    { task_name: null },
    { task_name: '' },
    { labels: [] },
    { args: {} },
    { kwargs: null },
  ])('%j in place of a valid field', (wrong) => {
    const parsed = parse(JSON.stringify({ ...valid, ...wrong }));
    expect(parsed).toMatchObject({ ok: false, reason: 'invalid_field' });
  });

  test('an id that is the name of a stream is refused, and nobody is answered under it', () => {
    const parsed = parseMessage(Buffer.from(JSON.stringify({ ...valid, task_id: 'taskiq' })), new Set(['taskiq']));
    expect(parsed).toMatchObject({ ok: false, reason: 'invalid_field', detail: expect.stringMatching(/^task_id /) });
    expect(parsed).not.toHaveProperty('taskId');
  });

  test.each([
    ['200,000 levels', '['.repeat(200_000)],
    ['10 MB of fields', `{${Array.from({ length: 700_000 }, (_, i) => `"k${i}":12`).join(',')}}`],
  ])('%s are too complex', (_, text) => {
    expect(parse(text)).toMatchObject({ ok: false, reason: 'too_complex' });
  });

  test('the task id is told where it could be read, so that its producer can be answered', () => {
    expect(parse('{"task_id": "a1"}')).toMatchObject({ reason: 'missing_field', taskId: 'a1' });
    expect(parse('{"task_id": 1}')).not.toHaveProperty('taskId');
  });
});

test('any bytes are either a message or refused, never an exception', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(Buffer.from)), (bytes) => {
      expect(parseMessage(bytes).ok).toBe(false);
    }),
  );
});

test('any arguments come through as they were sent', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()), (args, kwargs) => {
      const sent = JSON.stringify({ ...valid, args, kwargs }, null, 1);
      const expected = JSON.parse(sent, longIntegersAsText) as typeof valid;
      expect(parse(sent)).toMatchObject({ ok: true, message: { args: expected.args, kwargs: expected.kwargs } });
    }),
  );
});

function longIntegersAsText(_key: string, value: unknown): unknown {
  return Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(String(value))
    ? String(value)
    : value;
}

describe('the job id', () => {
  test.each(['0f9d1c1be1f34c0c9a3f2f6e8a1b7c55', '6f1c2b9e-0d34-4f7a-9d2e-5b8a1c7e4f60'])('%s is the task id', (id) => {
    expect(jobIdOf(id)).toBe(id);
  });

  test.each([
    'meta',
    'wait',
    'stalled-check',
    'NaN',
    '7',
    '-7',
    '-1.5',
    ' -1',
    '-1e3',
    '-12345678901234567890',
    '-Infinity',
  ])('of %s, which BullMQ refuses, is another', (id) => {
    expect(jobIdOf(id)).toMatch(/^taskiq-[\w-]+$/);
  });

  test('is one that BullMQ can hold, and another for every task id', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.oneof(
            fc.string({ minLength: 1, unit: 'grapheme' }).filter((id) => !id.includes(':')),
            fc.oneof(fc.integer(), fc.bigInt(), fc.double()).map(String),
          ),
        ),
        (ids) => {
          const jobIds = ids.map(jobIdOf);
          for (const id of jobIds) {
            expect(id).not.toContain(':');
            // BullMQ makes the same check.
            expect(String(Number.parseInt(id, 10))).not.toBe(id);
          }
          expect(new Set(jobIds).size).toBe(ids.length);
        },
      ),
    );
  });
});
