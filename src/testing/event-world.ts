import { createHmac, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import { serveOnLoopback } from '../../sandbox/loopback-server.ts';
import { remnawaveWebhook } from '../app/doors/remnawave-webhook.ts';
import { buildServer } from '../triggers/http/server.ts';
import { type GenerationNumber, type SubscriptionWorld, subscriptionWorld } from './subscription-world.ts';

/** A delivery as the panel sent it, byte by byte. */
export type PanelDelivery = { body: Buffer; signature: string | undefined };

/** Customers beside a panel whose events a test holds in its hand: it hands each over when, and as often as, it likes. */
export interface EventWorld extends SubscriptionWorld {
  readonly server: FastifyInstance;
  /** What the panel has sent since the last call. */
  sent(): Promise<readonly PanelDelivery[]>;
  /** Hands a delivery to the door. Answers its status. */
  receive(delivery: PanelDelivery): Promise<number>;
  /** A delivery that the panel would sign. */
  signed(body: object | Buffer): PanelDelivery;
  /** Jobs of a task that wait or run. */
  waiting(task: string): Promise<number>;
}

export async function eventWorld(
  generation: GenerationNumber,
  environment: Readonly<Record<string, string>> = {},
  startAt: Date = new Date(),
): Promise<EventWorld> {
  const secret = randomBytes(16).toString('hex');
  let caught: PanelDelivery[] = [];
  const relay = await serveOnLoopback(
    0,
    async (request, response) => {
      const header = request.headers['x-remnawave-signature'];
      caught.push({ body: await buffer(request), signature: typeof header === 'string' ? header : undefined });
      response.end();
    },
    (response) => void response.destroy(),
  );
  const hook = { webhookUrl: relay.url, webhookSecret: secret, nodes: 3 };
  const env = { REMNAWAVE_WEBHOOK_SECRET: secret, ...environment };
  const world = await subscriptionWorld(generation, env, startAt, hook);
  const { app } = world.app;
  const server = await buildServer({
    health: {},
    metrics: { render: async () => '', basicAuth: undefined },
    remnawaveWebhook: remnawaveWebhook(app),
  });
  return {
    ...world,
    server,
    async sent() {
      await world.panel.webhooks();
      const since = caught;
      caught = [];
      return since;
    },
    async receive({ body, signature }) {
      const headers = {
        'content-type': 'application/json',
        ...(signature !== undefined && { 'x-remnawave-signature': signature }),
      };
      const answer = await server.inject({ method: 'POST', url: '/webhooks/remnawave', headers, payload: body });
      return answer.statusCode;
    },
    signed(given) {
      const body = Buffer.isBuffer(given) ? given : Buffer.from(JSON.stringify(given));
      return { body, signature: createHmac('sha256', secret).update(body).digest('hex') };
    },
    async waiting(task) {
      const queue = app.queues.get(app.registry.get(task).task.queue);
      const jobs = await queue.getJobs(['waiting', 'active', 'delayed', 'prioritized']);
      return jobs.filter((job) => job?.name === task).length;
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      await world[Symbol.asyncDispose]();
      await relay.stop();
    },
  };
}
