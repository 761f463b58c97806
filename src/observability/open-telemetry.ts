import { randomUUID } from 'node:crypto';
import { TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  type Sampler as OtelSampler,
  ParentBasedSampler,
  type SpanExporter,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { within } from '../lib/deadline.ts';
import { seconds } from '../lib/duration.ts';
import { Spans } from './spans.ts';
import type { Tracing, TracingOptions } from './tracing.ts';

/**
 * Spans that wait for the collector, about 3 MB. Further spans are dropped while it is full, so an outage of the collector takes no memory.
 */
const QUEUED_SPANS = 2_048;
const BATCH_SPANS = 512;
/** The longest delay of a span; the specification's default. */
const SEND_AFTER_MS = seconds(5);
/** The time limit of a call, retries included. A collector is close by, and spans that it does not take in time are lost. */
const SEND_LIMIT_MS = seconds(5);
/** Within the reserve that a supervisor leaves its processes after the drain (`runtime/supervisor.ts`). */
const FLUSH_LIMIT_MS = seconds(1);

/** Starts to send spans. Waits for nothing, and never throws because of the collector. */
export function startTracing(options: TracingOptions): Tracing {
  const exporter = new OTLPTraceExporter({
    url: `${options.endpoint}/v1/traces`,
    headers: options.headers,
    timeoutMillis: SEND_LIMIT_MS,
  });
  const tally = new SpanTally(options.onLost);
  const processor = new BatchSpanProcessor({
    exporter: tally.watch(exporter),
    maxQueueSize: QUEUED_SPANS,
    maxExportBatchSize: BATCH_SPANS,
    scheduledDelayMillis: SEND_AFTER_MS,
    exportTimeoutMillis: SEND_LIMIT_MS * 2,
  });
  const provider = new TracerProvider({
    sampler: samplerOf(options),
    spanProcessors: [tally.before(processor)],
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
  return new Spans(provider.getTracer('cybervpn-task-worker', options.version), () => flush(provider, tally));
}

/** Sends the waiting spans. A collector that does not take them must not hold up the end of the process. */
async function flush(provider: TracerProvider, tally: SpanTally): Promise<void> {
  const late = (): Error => new Error(`The last spans were not taken within ${FLUSH_LIMIT_MS} ms`);
  // A first batch that fails ends the shutdown, while others still wait.
  const ended = provider.shutdown().then(late, (error: Error) => error);
  tally.end(await within(FLUSH_LIMIT_MS, ended, late).catch((error: Error) => error));
}

/** Counts the spans that are lost: those that a full queue does not take, those of failed calls, and those that are left at the end. */
class SpanTally {
  readonly #onLost: TracingOptions['onLost'];
  #waiting = 0;
  #travelling = 0;
  #isOver = false;

  constructor(onLost: TracingOptions['onLost']) {
    this.#onLost = onLost;
  }

  /** The processor as it is given spans. It drops without a word what its queue has no room for, so that is kept from it. */
  before(processor: SpanProcessor): SpanProcessor {
    const isKept: SpanProcessor['onEnd'] = (span) => {
      if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
      if (this.#waiting >= QUEUED_SPANS) return this.#onLost(new Error('Too many spans wait for the collector'), 1);
      this.#waiting += 1;
      processor.onEnd(span);
    };
    return {
      onStart: (span, context) => processor.onStart(span, context),
      onEnd: isKept,
      forceFlush: () => processor.forceFlush(),
      shutdown: () => processor.shutdown(),
    };
  }

  watch(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans, done) => {
        this.#waiting -= spans.length;
        this.#travelling += spans.length;
        exporter.export(spans, (result) => {
          this.#travelling -= spans.length;
          if (result.error && !this.#isOver) this.#onLost(result.error, spans.length);
          done(result);
        });
      },
      shutdown: () => exporter.shutdown(),
    };
  }

  /** Counts what has not arrived by now, and nothing after it. */
  end(error: Error): void {
    this.#isOver = true;
    const left = this.#waiting + this.#travelling;
    if (left > 0) this.#onLost(error, left);
  }
}

function samplerOf({ ratio, sampler }: TracingOptions): OtelSampler {
  const root = rootSampler(sampler, ratio);
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

function rootSampler(name: TracingOptions['sampler'], ratio: number): OtelSampler {
  if (name.endsWith('always_off')) return new AlwaysOffSampler();
  return name.endsWith('traceidratio') ? new TraceIdRatioBasedSampler(ratio) : new AlwaysOnSampler();
}
