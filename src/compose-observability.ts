import type { Config } from './config.ts';
import { type ErrorReports, type ErrorReportsOptions, openErrorReports } from './observability/error-reports.ts';
import { openTracing, type Tracing, type TracingOptions } from './observability/tracing.ts';

/** Undefined, and nothing is loaded, where no collector is configured. */
export async function tracingOf(
  config: Config,
  options: Pick<TracingOptions, 'onLost' | 'role' | 'version'>,
): Promise<Tracing | undefined> {
  const endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined) return undefined;
  return await openTracing({
    ...options,
    endpoint,
    headers: config.OTEL_EXPORTER_OTLP_HEADERS ?? {},
    serviceName: config.OTEL_SERVICE_NAME,
    sampler: config.OTEL_TRACES_SAMPLER,
    ratio: config.OTEL_TRACES_SAMPLER_ARG,
  });
}

/** Undefined, and nothing is loaded, where no error tracker is configured; for commands too, whose caller sees the error. */
export async function errorReportsOf(
  config: Config,
  options: Pick<ErrorReportsOptions, 'mask' | 'onLost' | 'role' | 'version'>,
): Promise<ErrorReports | undefined> {
  if (config.SENTRY_DSN === undefined || options.role === 'cli') return undefined;
  return await openErrorReports({ ...options, dsn: config.SENTRY_DSN, environment: config.SENTRY_ENVIRONMENT });
}
