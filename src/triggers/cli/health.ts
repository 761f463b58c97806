import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { seconds } from '../../lib/duration.ts';
import { errorMessage, PermanentError } from '../../lib/errors.ts';
import { http } from '../../lib/node-http.ts';
import type { Command } from './command.ts';

export type HealthContext = {
  /** The address that the role listens on. */
  host: string;
  /** The port of the role that runs on this machine or in this container. */
  port: number;
};

/** Each check behind the port has 3 s; below the 10 s after which a container's health check counts as failed. */
const LIMIT_MS = seconds(8);

/** The part of the answers of `/health/live` and `/health/ready` that people need. */
const answer = z.object({
  status: z.string(),
  checks: z
    .record(z.string(), z.object({ ok: z.boolean(), error: z.string().optional(), warning: z.string().optional() }))
    .default({}),
});

export const healthCommand: Command<HealthContext> = {
  name: 'health',
  usage: '[--live]',
  maxWords: 0,
  summary:
    'Ask the role that runs here whether it is ready, or with --live only whether it is there; exit code 1 where not',
  options: { live: { type: 'boolean' } },
  async run(args, { host, port }, { print }) {
    if (port === 0)
      throw new PermanentError(
        'port_unknown',
        'METRICS_PORT is 0, so the port is any free one; set it to ask for health',
      );
    const { code, body } = await ask({
      host: loopbackOf(host),
      port,
      path: args.options.live ? '/health/live' : '/health/ready',
    });
    const { checks, status } = answer.parse(body);
    const findings = Object.entries(checks).flatMap(([name, { error, warning }]) => {
      const finding = error ?? warning;
      return finding === undefined ? [] : [`${name}: ${finding}`];
    });
    print(body, [status, ...findings]);
    return code === 200 ? 0 : 1;
  },
};

type Address = { host: string; port: number; path: string };

/** All addresses of a machine include the one that it knows itself by. */
const loopbackOf = (host: string): string => (host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host);

/** Uses Node's own client, because `fetch` takes longer to load than this takes to run. Throws a sentence where nothing answers. */
async function ask(address: Address): Promise<{ code: number | undefined; body: unknown }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ code: number | undefined; body: unknown }>();
  const request = http.get({ ...address, agent: false, signal: AbortSignal.timeout(LIMIT_MS) });
  request.once('error', reject);
  request.once('response', (response) =>
    json(response).then((body) => resolve({ code: response.statusCode, body }), reject),
  );
  try {
    return await promise;
  } catch (error) {
    throw new PermanentError(
      'health_unknown',
      `health: nothing answers on port ${address.port} (${errorMessage(error)}); is a role running here, and is METRICS_PORT the same for both?`,
      { cause: error },
    );
  }
}
