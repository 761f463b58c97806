import { randomUUID } from 'node:crypto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  type Sampler as OtelSampler,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { within } from '../lib/deadline.ts';
import { seconds } from '../lib/duration.ts';
import { Spans } from './spans.ts';
import type { Tracing, TracingOptions } from './tracing.ts';

/** Spans that wait for the collector: 3 MB or so. What comes while it is full is dropped, so that no outage of a collector takes memory. */
const QUEUED_SPANS = 2_048;
const BATCH_SPANS = 512;
/** How late a span may be seen; the specification's default. */
const SEND_AFTER_MS = seconds(5);
/** A collector stands close by. What it does not take within this, retries included, is lost. */
const SEND_LIMIT_MS = seconds(5);
/** Within the reserve that a supervisor leaves its processes after the drain (`processes.ts`). */
const FLUSH_LIMIT_MS = seconds(1);

/** Begins to send spans. Waits for nothing and never throws because of the collector. */
export function startTracing(options: TracingOptions): Tracing {
  const exporter = new OTLPTraceExporter({
    url: `${options.endpoint}/v1/traces`,
    headers: options.headers,
    timeoutMillis: SEND_LIMIT_MS,
  });
  const processor = new BatchSpanProcessor({
    exporter: watched(exporter, options.onLost),
    maxQueueSize: QUEUED_SPANS,
    maxExportBatchSize: BATCH_SPANS,
    scheduledDelayMillis: SEND_AFTER_MS,
    exportTimeoutMillis: SEND_LIMIT_MS * 2,
  });
  const provider = new TracerProvider({
    sampler: samplerOf(options),
    spanProcessors: [processor],
    resource: defaultResource().merge(
      resourceFromAttributes({
        'service.name': options.serviceName,
        'service.version': options.version,
        'service.instance.id': randomUUID(),
        'process.pid': process.pid,
        'cybervpn.role': options.role,
      }),
    ),
  });
  return new Spans(provider.getTracer('cybervpn-task-worker', options.version), () => flush(provider, options.onLost));
}

/** Sends what waits. A collector that does not take it must not hold up the end of the process. */
async function flush(provider: TracerProvider, onLost: TracingOptions['onLost']): Promise<void> {
  const late = (): Error => new Error(`The last spans were not taken within ${FLUSH_LIMIT_MS} ms`);
  // What it could not send has been told to `onLost`.
  const sent = provider.shutdown().catch(() => undefined);
  await within(FLUSH_LIMIT_MS, sent, late).catch(onLost);
}

function watched(exporter: SpanExporter, onLost: TracingOptions['onLost']): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error) onLost(result.error);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
  };
}

function samplerOf({ ratio, sampler }: TracingOptions): OtelSampler {
  const root = rootSampler(sampler, ratio);
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

function rootSampler(name: TracingOptions['sampler'], ratio: number): OtelSampler {
  if (name.endsWith('always_off')) return new AlwaysOffSampler();
  return name.endsWith('traceidratio') ? new TraceIdRatioBasedSampler(ratio) : new AlwaysOnSampler();
}
