import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { seconds } from '../../../lib/duration.ts';
import type { HttpContext } from '../context.ts';
import { tooMany } from '../problem.ts';
import { jobBody } from './job-body.ts';
import { jobOf } from './jobs.ts';
import { type ApiRoute, apiRoute, SENT } from './route.ts';
import { JobId } from './schemas.ts';

/** How often a stream looks and speaks; the defaults are for production. */
export type Pace = {
  lookEveryMs: number;
  /** Proxies cut connections that are silent for 30 to 60 s. */
  heartbeatMs: number;
};

const PACE: Pace = { lookEveryMs: seconds(1), heartbeatMs: seconds(15) };
/** How long a browser waits before it connects again after a cut. */
const RECONNECT_MS = 2_000;
/** Each stream costs two small reads of Redis a second. */
const MOST_STREAMS = 200;

const EVENT_STREAM = 'text/event-stream; charset=utf-8';

/** The state that a stream sends at one moment, and a name for exactly that state. */
type Snapshot = { id: string; data: string; isOver: boolean };

export function jobEventRoutes(context: HttpContext, pace = PACE): readonly ApiRoute[] {
  let open = 0;
  return [
    apiRoute({
      id: 'watchJob',
      method: 'GET',
      path: '/api/v1/jobs/{id}/events',
      tag: 'Jobs',
      needs: 'view',
      summary: 'State and progress of a job as server-sent events',
      description:
        'Each event is a whole snapshot under an id that names it. After a cut, `Last-Event-ID` says which one was seen: only what differs is sent. `event: end` is the last one; a client that comes back after it gets 204, which ends an EventSource.',
      params: JobId,
      headers: z.object({
        'last-event-id': z.string().max(100).optional().describe('Id of the last event that was received'),
      }),
      answers: {
        200: {
          description: '`event: job` with `{job, progress}` whenever one of them changes, then `event: end`',
          mediaType: 'text/event-stream',
        },
        204: { description: 'It is over, and the client has seen that' },
      },
      problems: ['not-found'],
      async handle({ params: { id }, headers }, { reply, request }) {
        const first = await snapshot(context, id);
        const seen = headers['last-event-id'];
        if (first.isOver && seen === first.id) return { status: 204 };
        if (request.method === 'HEAD') return { status: 200, headers: { 'content-type': EVENT_STREAM } };
        if (open >= MOST_STREAMS) throw tooMany('Too many event streams are open at this worker.', RECONNECT_MS);
        open += 1;
        void stream(context, id, { first, pace, seen, reply }).finally(() => {
          open -= 1;
        });
        return SENT;
      },
    }),
  ];
}

/** Sends the state until the job is over or the client is gone. An error ends the stream: the client connects again and resumes. */
async function stream(
  context: HttpContext,
  id: string,
  { first, pace, seen, reply }: { first: Snapshot; pace: Pace; seen: string | undefined; reply: FastifyReply },
): Promise<void> {
  reply.hijack();
  const response = reply.raw;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const write = async (text: string): Promise<void> => {
    if (!response.write(text)) await once(response, 'drain', { signal: gone.signal });
  };
  try {
    response.writeHead(200, {
      'content-type': EVENT_STREAM,
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    await write(`retry: ${RECONNECT_MS}\n\n`);
    let last = seen;
    let spokeAt = performance.now();
    for (let now = first; ; now = await snapshot(context, id)) {
      if (now.id !== last) {
        await write(`id: ${now.id}\nevent: ${now.isOver ? 'end' : 'job'}\ndata: ${now.data}\n\n`);
        last = now.id;
        spokeAt = performance.now();
      } else if (performance.now() - spokeAt >= pace.heartbeatMs) {
        await write(': still here\n\n');
        spokeAt = performance.now();
      }
      if (now.isOver) break;
      await delay(pace.lookEveryMs, undefined, { signal: gone.signal });
    }
  } catch (err) {
    if (!gone.signal.aborted) context.log.debug({ err, job_id: id }, 'event stream ended, its client resumes');
  } finally {
    response.end();
  }
}

async function snapshot(context: HttpContext, id: string): Promise<Snapshot> {
  const job = await jobOf(context, id);
  const progress = await context.progress.find(job.progressId);
  const data = JSON.stringify({ job: jobBody(job), progress: progress ?? null });
  const isOver = job.state === 'completed' || job.state === 'failed';
  return { id: createHash('sha256').update(data).digest('base64url').slice(0, 16), data, isOver };
}
