/** The position of a piece of work in a trace, from the header `traceparent`. */
export type TraceParent = { traceId: string; spanId: string; isSampled: boolean };

/** https://www.w3.org/TR/trace-context/#traceparent-header-field-values: neither version ff nor ids of zeros are valid. */
const FORM = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/;
const SAMPLED = 1;

/** Undefined for any other value: an invalid `traceparent` begins a new trace and does not fail the request. */
export function parseTraceParent(value: unknown): TraceParent | undefined {
  const match = typeof value === 'string' ? FORM.exec(value) : null;
  if (!match) return undefined;
  const [, version, traceId, spanId, flags, more] = match;
  // Version 00 ends here. Later versions may have more fields, which are ignored.
  if (version === '00' && more !== undefined) return undefined;
  return { traceId: traceId!, spanId: spanId!, isSampled: (Number.parseInt(flags!, 16) & SAMPLED) !== 0 };
}

export function formatTraceParent({ isSampled, spanId, traceId }: TraceParent): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}
