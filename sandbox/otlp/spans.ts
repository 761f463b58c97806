import { z } from 'zod';

const Value = z
  .union([
    z.strictObject({ stringValue: z.string() }),
    z.strictObject({ boolValue: z.boolean() }),
    z.strictObject({ intValue: z.union([z.int(), z.string().regex(/^-?\d+$/)]) }),
    z.strictObject({ doubleValue: z.number() }),
  ])
  .transform((value) => {
    if ('intValue' in value) return Number(value.intValue);
    return Object.values(value)[0] as string | boolean | number;
  });
const Attributes = z
  .array(z.object({ key: z.string().min(1), value: Value }))
  .transform((pairs) => Object.fromEntries(pairs.map(({ key, value }) => [key, value])));

/** JSON writes 64-bit integers as text: https://protobuf.dev/programming-guides/json/ */
const Nanoseconds = z.string().regex(/^\d{19}$/);

/** https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto */
const SPAN_KINDS = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const STATUS_CODES = ['unset', 'ok', 'error'] as const;

const SpanBody = z
  .object({
    traceId: z.string().regex(/^[\da-f]{32}$/),
    spanId: z.string().regex(/^[\da-f]{16}$/),
    parentSpanId: z
      .string()
      .regex(/^[\da-f]{16}$/)
      .optional(),
    name: z.string().min(1),
    kind: z
      .int()
      .min(1)
      .max(5)
      .transform((kind) => SPAN_KINDS[kind]!),
    startTimeUnixNano: Nanoseconds,
    endTimeUnixNano: Nanoseconds,
    attributes: Attributes,
    status: z.object({
      code: z
        .int()
        .min(0)
        .max(2)
        .default(0)
        .transform((code) => STATUS_CODES[code]!),
      message: z.string().optional(),
    }),
    events: z.array(z.unknown()).default([]),
    links: z.array(z.unknown()).default([]),
  })
  .refine((span) => BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano), { error: 'ends before it starts' });

/** `ExportTraceServiceRequest` of OTLP/HTTP in JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
export const ExportRequest = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: Attributes }),
      scopeSpans: z.array(z.object({ scope: z.object({ name: z.string() }), spans: z.array(SpanBody) })),
    }),
  ),
});

type Attribute = string | boolean | number;

/** A received span with its sender. */
export type ReceivedSpan = Omit<z.output<typeof SpanBody>, 'startTimeUnixNano' | 'endTimeUnixNano'> & {
  resource: Readonly<Record<string, Attribute>>;
  /** Milliseconds since 1970. */
  startMs: number;
  /** The duration in milliseconds. */
  ms: number;
};

export function spansOf({ resourceSpans }: z.output<typeof ExportRequest>): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ startTimeUnixNano, endTimeUnixNano, ...span }) => ({
        ...span,
        resource: resource.attributes,
        startMs: Number(startTimeUnixNano) / 1e6,
        ms: Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6,
      })),
    ),
  );
}
