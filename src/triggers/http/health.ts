import type { FastifyInstance } from 'fastify';
import { within } from '../../lib/deadline.ts';
import { seconds } from '../../lib/duration.ts';
import { errorMessage } from '../../lib/errors.ts';

/**
 * Each check resolves when its part is usable and rejects with the reason when it is not. A check that resolves with a sentence warns: the
 * part is usable, but something is wrong that a restart would not mend.
 */
export type HealthChecks = Readonly<Record<string, () => Promise<unknown>>>;

/** `since`: when the part was first found unusable, of those times it was asked. */
type Check = { ok: boolean; latency_ms: number; error?: string; since?: string; warning?: string };

/** A probe waits at most this long for one dependency. */
const CHECK_LIMIT_MS = seconds(3);

/** After this, asking again is worth it: what was away may be back. */
const RETRY_AFTER_SECONDS = 5;

/**
 * `/health/live`: this process answers. `/health/ready`: 200 where every part that it needs is usable, `degraded` where one warns; else 503
 * with the unusable parts, the reasons, and since when.
 */
export function registerHealth(server: FastifyInstance, checks: HealthChecks): void {
  const unusableSince = new Map<string, string>();
  server.get('/health/live', async () => ({ status: 'ok' }));
  server.get('/health/ready', async (_request, reply) => {
    const names = Object.keys(checks);
    const results = await Promise.all(names.map(async (name) => dated(name, await timed(checks[name]!))));
    const isReady = results.every((result) => result.ok);
    reply.code(isReady ? 200 : 503);
    if (!isReady) reply.header('retry-after', RETRY_AFTER_SECONDS);
    return {
      status: isReady ? (results.some(({ warning }) => warning) ? 'degraded' : 'ok') : 'unavailable',
      checks: Object.fromEntries(names.map((name, i) => [name, results[i]])),
    };
  });

  function dated(name: string, check: Check): Check {
    if (check.ok) {
      unusableSince.delete(name);
      return check;
    }
    const since = unusableSince.get(name) ?? new Date().toISOString();
    unusableSince.set(name, since);
    return { ...check, since };
  }
}

async function timed(check: HealthChecks[string]): Promise<Check> {
  const startedAt = performance.now();
  const latency = (): number => Math.round(performance.now() - startedAt);
  try {
    const warning = await within(CHECK_LIMIT_MS, check());
    return { ok: true, latency_ms: latency(), ...(typeof warning === 'string' && { warning }) };
  } catch (error) {
    return { ok: false, latency_ms: latency(), error: errorMessage(error) };
  }
}
