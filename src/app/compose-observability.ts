import type { Config } from '../config.ts';
import { loadPart } from '../lib/load-part.ts';
import type { ErrorReports, ErrorReportsOptions } from '../observability/error-reports.ts';
import type { Tracing, TracingOptions } from '../observability/tracing.ts';

/** Undefined where no collector is configured. OpenTelemetry takes 25 MB of memory in each process, so it is loaded only where traces are wanted. */
export async function tracingOf(
  config: Config,
  options: Pick<TracingOptions, 'onLost' | 'role' | 'version'>,
): Promise<Tracing | undefined> {
  const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined) return undefined;
  const { startTracing } = await loadPart('What sends traces', () => import('../observability/open-telemetry.ts'));
  return startTracing({
    ...options,
    endpoint,
    headers: config.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    serviceName: config.OTEL_SERVICE_NAME,
    sampler: config.OTEL_TRACES_SAMPLER,
    ratio: config.OTEL_TRACES_SAMPLER_ARG,
  });
}

/**
 * Undefined where no error tracker is configured, and for commands, whose caller sees the error. The tracker's package takes 28 MB of memory
 * in each process, so it is loaded only where reports are wanted.
 */
export async function errorReportsOf(
  config: Config,
  options: Pick<ErrorReportsOptions, 'mask' | 'onLost' | 'role' | 'version'>,
): Promise<ErrorReports | undefined> {
  if (config.SENTRY_DSN === undefined || options.role === 'cli') return undefined;
  const { startSentry } = await loadPart('What reports errors', () => import('../observability/sentry.ts'));
  return startSentry({ ...options, dsn: config.SENTRY_DSN, environment: config.SENTRY_ENVIRONMENT });
}
