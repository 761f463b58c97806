import { type FastifyInstance, fastify } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpWorld, httpWorld } from '../../../testing/http-world.ts';
import { runningJobs } from '../../../testing/running-jobs.ts';
import { Guard } from '../auth/guard.ts';
import { answerProblem } from '../problem.ts';
import { jobEventRoutes } from './job-events.ts';
import { registerRoutes } from './route.ts';

/** Production looks every second, and sends a heartbeat every 15. */
const PACE = { lookEveryMs: 50, heartbeatMs: 200 };

let http: HttpWorld;
let url: string;
/** Has the routes at this pace, behind the same guard. */
let server: FastifyInstance;

beforeAll(async () => {
  http = await httpWorld();
  server = fastify({ forceCloseConnections: true });
  server.setErrorHandler((error, request, reply) => answerProblem(error, request, reply, undefined));
  registerRoutes(server, jobEventRoutes(http.context, PACE), {
    audit: http.context.audit,
    guard: new Guard(http.context),
  });
  url = await server.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(async () => {
  await server.close();
  await http[Symbol.asyncDispose]();
});

test('HEAD is answered at once, also while the job goes on', async () => {
  const payload = { telegram_id: 1, message: 'x' };
  const sent = await http.call('POST', '/api/v1/tasks/send_notification', { payload });
  const { job_id: id } = sent.json<{ job_id: string }>();
  const head = await http.call('HEAD', `/api/v1/jobs/${id}/events`);
  expect([head.statusCode, head.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
});

type Event = { id: string; event: string; data: { job: { state: string }; progress: { processed: number } | null } };

/** One connection to a job's events, as a browser's EventSource makes it. */
class Events implements AsyncDisposable {
  readonly #controller = new AbortController();
  #events: AsyncGenerator<Event> | undefined;
  status = 0;

  static async open(id: string, lastEventId?: string): Promise<Events> {
    const events = new Events();
    const response = await fetch(`${url}/api/v1/jobs/${id}/events`, {
      headers: { authorization: `Bearer ${http.tokens.olga}`, ...(lastEventId && { 'last-event-id': lastEventId }) },
      signal: events.#controller.signal,
    });
    events.status = response.status;
    if (response.body && response.status === 200) events.#events = parse(response.body);
    return events;
  }

  async next(): Promise<Event | undefined> {
    return (await this.#events!.next()).value as Event | undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
  }
}

async function* parse(body: ReadableStream<Uint8Array>): AsyncGenerator<Event> {
  let text = '';
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const fields = Object.fromEntries(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
      ) as Record<string, string>;
      text = text.slice(end + 2);
      if (fields.data) yield { id: fields.id!, event: fields.event!, data: JSON.parse(fields.data) as Event['data'] };
    }
  }
}

async function dispatched(): Promise<string> {
  const payload = { telegram_id: 100_001, message: 'Hello', notification_type: 'info' };
  const response = await http.call('POST', '/api/v1/tasks/send_notification', { payload });
  return response.json<{ job_id: string }>().job_id;
}

const startedAt = new Date('2026-05-01T10:00:00Z');
const progressOf = async (id: string, processed: number): Promise<void> =>
  await http.context.progress.save(id, {
    ...{ operation: 'x', status: 'running', processed, total: 10, succeeded: processed, failed: 0, errors: [] },
    startedAt,
    updatedAt: startedAt,
  });

test('the stream tells the state at once and every change, and after a cut it goes on from the last event', async () => {
  const id = await dispatched();
  let lastId: string;
  {
    await using events = await Events.open(id);
    expect(await events.next()).toMatchObject({ event: 'job', data: { job: { state: 'waiting' }, progress: null } });
    await progressOf(id, 1);
    const second = await events.next();
    expect(second).toMatchObject({ event: 'job', data: { progress: { processed: 1 } } });
    lastId = second!.id;
  }
  // Nothing has changed during the cut, so the next event is the next change; nothing is told twice.
  await using resumed = await Events.open(id, lastId);
  setTimeout(() => void progressOf(id, 2), 200);
  expect(await resumed.next()).toMatchObject({ data: { progress: { processed: 2 } } });
});

test('what changed during a cut is told first', async () => {
  const id = await dispatched();
  const first = await Events.open(id);
  const { id: lastId } = (await first.next())!;
  await first[Symbol.asyncDispose]();
  await progressOf(id, 7);
  await using resumed = await Events.open(id, lastId);
  expect(await resumed.next()).toMatchObject({ data: { progress: { processed: 7 } } });
});

test('the stream ends with the job, and who comes back after the end is told to stay away', async () => {
  const id = await dispatched();
  await using events = await Events.open(id);
  await events.next();
  await using _running = runningJobs(http.world);
  let last = await events.next();
  while (last?.event === 'job') last = await events.next();
  expect(last).toMatchObject({ event: 'end', data: { job: { state: 'completed' } } });
  expect(await events.next()).toBeUndefined();
  await using again = await Events.open(id, last!.id);
  expect(again.status).toBe(204);
});

test('while nothing changes a sign of life comes, so that no proxy cuts the stream', async () => {
  const id = await dispatched();
  const headers = { authorization: `Bearer ${http.tokens.olga}` };
  const response = await fetch(`${url}/api/v1/jobs/${id}/events`, { headers });
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.split(': still here\n\n').length > 3) break;
  }
  expect(text.match(/^event: .*$/gm)).toEqual(['event: job']);
});

test('a job that there is not has no stream', async () => {
  await using events = await Events.open('no-such-job');
  expect(events.status).toBe(404);
});
