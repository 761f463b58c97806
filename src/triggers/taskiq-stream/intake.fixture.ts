import { seconds } from '../../lib/duration.ts';
import type { RedisClient } from '../../lib/redis-client.ts';
import { connectRedis } from '../../repositories/redis/connection.ts';
import { TaskiqConsumer } from './consumer.ts';
import type { ConsumerTimes } from './consumer-times.ts';
import { DeadEntries } from './dead-entries.ts';
import type { HandOver } from './hand-over.ts';
import type { MessageOptions } from './labels.ts';
import { type Lag, readLag } from './lag.ts';
import type { TaskiqMessage } from './message.ts';
import { TaskiqResults } from './results.ts';

export type IntakeOptions = {
  url: string;
  stream?: string;
  group?: string;
  times?: Partial<ConsumerTimes>;
  forwardStream?: string;
  /** The format of the errors that producers of dead messages get. */
  format?: 'pickle' | 'json';
  /** Runs before the message counts as handed over. */
  handOver?: HandOver;
};

/** A running consumer for tests, which records all its events. */
export class Intake implements AsyncDisposable {
  readonly consumer: TaskiqConsumer;
  readonly deadEntries: DeadEntries;
  /** Accepted messages by task id: a second hand-over of the same id adds nothing, as in the queue. */
  readonly accepted = new Map<string, { message: TaskiqMessage; options: MessageOptions }>();
  /** Task ids of all hand-overs, repeated ones too. */
  readonly handedOver: string[] = [];
  readonly dead: string[] = [];
  readonly forwarded: string[] = [];
  readonly problems: string[] = [];
  readonly #redis: RedisClient;
  readonly #stream: string;
  readonly #group: string;

  constructor({
    url,
    stream = 'taskiq',
    group = 'taskiq',
    times,
    forwardStream,
    format = 'json',
    handOver,
  }: IntakeOptions) {
    this.#stream = stream;
    this.#group = group;
    this.#redis = connectRedis({ url, name: 'intake', whenDown: 'fail', onError: () => undefined });
    this.deadEntries = new DeadEntries({ redis: this.#redis, stream, group });
    this.consumer = new TaskiqConsumer({
      clock: () => new Date(),
      redis: this.#redis,
      stream,
      group,
      deadEntries: this.deadEntries,
      results: new TaskiqResults({ redis: this.#redis, format, ttlSeconds: 60 }),
      times: { blockMs: 200, housekeepingMs: 20, retryMs: [10, 10], stopMs: seconds(5), ...times },
      ...(forwardStream === undefined ? {} : { forwardStream }),
      handOver: async (message, options, sentAt) => {
        await handOver?.(message, options, sentAt);
        this.handedOver.push(message.taskId);
        this.accepted.set(message.taskId, { message, options });
      },
      observer: {
        accepted: () => undefined,
        dead: (reason) => this.dead.push(reason),
        forwarded: (id) => this.forwarded.push(id),
        problem: (what, error) => this.problems.push(`${what}: ${(error as Error).message}`),
      },
    });
    this.consumer.start();
  }

  /** How far the group is behind, as metrics show it. */
  async lag(): Promise<Lag> {
    return await readLag(this.#redis, { stream: this.#stream, group: this.#group });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.consumer.stop();
    this.#redis.disconnect();
  }
}

/** `data` of a valid message, as the backend writes it. */
export function messageData(taskId: string, fields: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ task_id: taskId, task_name: 'noop', labels: {}, args: [], kwargs: {}, ...fields });
}

/** Sends a message as producers do; resolves to its entry id. */
export async function send(
  redis: RedisClient,
  taskId: string,
  fields?: Readonly<Record<string, unknown>>,
): Promise<string> {
  return (await redis.xadd('taskiq', '*', 'data', messageData(taskId, fields)))!;
}
