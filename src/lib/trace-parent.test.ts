import { describe, expect, test } from 'vitest';
import { formatTraceParent, parseTraceParent } from './trace-parent.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('traceparent', () => {
  test('is read, with its sampling decision', () => {
    expect(parseTraceParent(`00-${TRACE}-${SPAN}-01`)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled: true });
    expect(parseTraceParent(`00-${TRACE}-${SPAN}-00`)).toEqual({ traceId: TRACE, spanId: SPAN, isSampled: false });
    expect(parseTraceParent(`00-${TRACE}-${SPAN}-03`)).toMatchObject({ isSampled: true });
  });

  test('of a later version may go on, that of version 00 may not', () => {
    expect(parseTraceParent(`01-${TRACE}-${SPAN}-01-more`)).toMatchObject({ traceId: TRACE });
    expect(parseTraceParent(`00-${TRACE}-${SPAN}-01-more`)).toBeUndefined();
  });

  test('that is none is none', () => {
    const wrong = [
      undefined,
      null,
      7,
      '',
      [`00-${TRACE}-${SPAN}-01`],
      `ff-${TRACE}-${SPAN}-01`,
      `00-${'0'.repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      `00-${TRACE}-${SPAN}`,
      `00-${TRACE}-${SPAN}-01\r\nx: y`,
    ];
    for (const value of wrong) expect(parseTraceParent(value)).toBeUndefined();
  });

  test('is written as it was read', () => {
    for (const flags of ['00', '01']) {
      const text = `00-${TRACE}-${SPAN}-${flags}`;
      expect(formatTraceParent(parseTraceParent(text)!)).toBe(text);
    }
  });
});
