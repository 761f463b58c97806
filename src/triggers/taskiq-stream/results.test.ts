import { describe, expect, test } from 'vitest';
import { encodeResult } from './results.ts';

const read = (outcome: Parameters<typeof encodeResult>[0]) => encodeResult(outcome, 'json').toString();

describe('the result record of TaskIQ', () => {
  test('of a success', () => {
    expect(JSON.parse(read({ labels: { a: 1 }, executionMs: 1234.6, returnValue: { n: 1 } }))).toEqual({
      is_err: false,
      log: null,
      return_value: { n: 1 },
      execution_time: 1.23,
      labels: { a: 1 },
      error: null,
    });
  });

  test('of a task that returned nothing', () => {
    expect(JSON.parse(read({ labels: {}, executionMs: 0, returnValue: undefined }))).toMatchObject({
      return_value: null,
    });
  });

  test.each([
    ['Error', 'builtins', 'Exception'],
    ['TimeoutError', 'builtins', 'TimeoutError'],
    ['PayloadError', 'cybervpn_task_worker', 'PayloadError'],
  ])('of a %s: in Python %s.%s', (name, module, type) => {
    const record = JSON.parse(read({ labels: {}, executionMs: 0, error: { name, message: 'm' } })) as {
      error: unknown;
    };
    expect(record.error).toMatchObject({ exc_type: type, exc_module: module, exc_message: ['m'] });
  });

  test('integers of any size stay numbers', () => {
    expect(read({ labels: {}, executionMs: 0, returnValue: 2n ** 70n })).toContain(
      '"return_value":1180591620717411303424,',
    );
  });
});
