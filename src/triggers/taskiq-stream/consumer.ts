import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sleepUnless, within } from '../../lib/deadline.ts';
import { seconds } from '../../lib/duration.ts';
import { GrowingPause } from '../../lib/growing-pause.ts';
import { isCluster, type RedisClient } from '../../lib/redis-client.ts';
import { duplicateRedis } from '../../repositories/redis/connection.ts';
import { type ConsumerTimes, TIMES } from './consumer-times.ts';
import type { DeadEntries } from './dead-entries.ts';
import type { StreamEntry } from './entry.ts';
import { EntryHandler } from './entry-handler.ts';
import {
  CONSUMER_PREFIX,
  createGroup,
  isGroupLost,
  leaveGroup,
  type Membership,
  readNew,
  readOwn,
  removeGone,
} from './group.ts';
import type { HandOver, IntakeObserver, IntakeWork } from './hand-over.ts';
import { Reclaimer } from './reclaimer.ts';
import type { TaskiqResults } from './results.ts';
import { trimAcknowledged } from './trim.ts';

export type TaskiqConsumerOptions = {
  clock(): Date;
  /** For everything but the blocking read, which gets a copy of this connection. Both stay open over restarts of Redis. */
  redis: RedisClient;
  stream: string;
  group: string;
  handOver: HandOver;
  deadEntries: DeadEntries;
  /** Tells a waiting producer at once that its message cannot be run. */
  results: Pick<TaskiqResults, 'store'>;
  observer: IntakeObserver;
  /** Messages of tasks that are unknown or switched off go to this stream unchanged instead of to the dead letters. */
  forwardStream?: string;
  times?: Partial<ConsumerTimes>;
};

/** The most entries in progress; beyond them nothing new is read. */
const MAX_IN_HAND = 1_000;
/** Reading more than this is worth a turn of its own. */
const BIG_BYTES = 65_536;
/** The wait between attempts to read from a Redis that is away, or refuses. */
const RECONNECT = { firstMs: 250, atMostMs: seconds(2) };

/**
 * Takes messages of Python producers out of a Redis stream and hands them over. A message is acknowledged only after its hand-over (or
 * burial) succeeded. So neither a crash nor a restart of Redis loses one; the price is that it may be delivered twice. A message never
 * waits for another that fails.
 */
export class TaskiqConsumer {
  readonly #options: TaskiqConsumerOptions;
  readonly #times: ConsumerTimes;
  readonly #membership: Membership;
  readonly #handler: EntryHandler;
  readonly #reclaimer: Reclaimer;
  readonly #stopping = new AbortController();
  readonly #inHand = new Map<string, Promise<void>>();
  #loops: Promise<unknown> = Promise.resolve();
  #blocking: RedisClient | undefined;
  #reading = false;
  /** From the first failure until something is read again. */
  #away = false;

  constructor(options: TaskiqConsumerOptions) {
    const { redis, stream, group, forwardStream } = options;
    if (forwardStream === stream) {
      throw new Error(
        `TaskIQ intake: the forward stream is the stream itself (${stream}), so messages would go round forever; name another`,
      );
    }
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#membership = { stream, group, consumer: `${CONSUMER_PREFIX}${randomUUID()}` };
    this.#handler = new EntryHandler({
      ...options,
      membership: this.#membership,
      times: this.#times,
      stopping: this.#stopping.signal,
    });
    this.#reclaimer = new Reclaimer({
      ...this.#membership,
      redis,
      idleMs: this.#times.claimIdleMs,
      respectLockMs: this.#times.respectLockMs,
      isInHand: (id) => this.#inHand.has(id) || this.#handler.isHandled(id),
    });
  }

  /** This consumer's name in the group. */
  get name(): string {
    return this.#membership.consumer;
  }

  /** Whether the last read got an answer from Redis, or the first has begun. Readiness depends on it. */
  get isReading(): boolean {
    return this.#reading;
  }

  /** Starts to read; returns at once, also while Redis is away. */
  start(): void {
    if (this.#blocking) throw new Error('TaskIQ intake: started twice; make another consumer');
    // The connection must not repeat a lost read: #join asks for the entries that it would have brought.
    const blocking = duplicateRedis(this.#options.redis, {
      maxRetriesPerRequest: 0,
      commandTimeout: this.#times.blockMs + seconds(5),
    });
    blocking.on('error', (error: Error) => this.#lost(error));
    this.#blocking = blocking;
    this.#loops = Promise.all([this.#readLoop(blocking), this.#housekeepingLoop()]);
  }

  /**
   * Stops reading, finishes entries in progress and leaves the group. An entry that does not end in time stays pending: nothing is lost.
   */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    await within(this.#times.stopMs, this.#finish()).catch(() => undefined);
    this.#reading = false;
    this.#blocking?.disconnect();
  }

  async #finish(): Promise<void> {
    await this.#loops;
    await Promise.all(this.#inHand.values());
    await this.#attempt('stop', () => this.#handler.flush());
    await this.#attempt('stop', () => leaveGroup(this.#options.redis, this.#membership));
  }

  async #readLoop(blocking: RedisClient): Promise<void> {
    const pause = new GrowingPause(RECONNECT);
    let joined = false;
    while (!this.#stopping.signal.aborted) {
      try {
        if (!joined) await this.#join();
        // Redis has just answered, and an empty stream gives the first read no answer for two seconds. After a failure only a read counts.
        if (!joined && !this.#away) this.#reading = true;
        joined = true;
        while (this.#inHand.size >= MAX_IN_HAND) await Promise.race(this.#inHand.values());
        const entries = await this.#unblockable(blocking);
        this.#reading = true;
        this.#away = false;
        pause.reset();
        await this.#takeAll(entries);
      } catch (error) {
        joined = false;
        if (isGroupLost(error)) continue;
        this.#lost(error);
        await pause.wait(this.#stopping.signal);
      }
    }
  }

  #lost(error: unknown): void {
    this.#reading = false;
    if (!this.#away && !this.#stopping.signal.aborted) this.#options.observer.problem('read', error);
    this.#away = true;
  }

  /** Makes sure that the group exists, and takes entries that were delivered to us in a reply that never arrived. */
  async #join(): Promise<void> {
    const { forwardStream, redis } = this.#options;
    await createGroup(redis, this.#membership);
    // A TaskIQ broker that joins later would begin at the end of the stream, and miss the messages that wait there for it.
    if (forwardStream !== undefined) await createGroup(redis, { ...this.#membership, stream: forwardStream });
    for (let after = '0'; ; ) {
      const entries = await readOwn(redis, this.#membership, after);
      if (entries.length === 0) return;
      await this.#takeAll(entries);
      after = entries.at(-1)!.id;
    }
  }

  /**
   * A read that `stop` need not wait for: Redis ends it as if its time were over, and no entry is lost. In a cluster the command could
   * reach a node other than the one that reads, so there the read runs its full time.
   */
  async #unblockable(blocking: RedisClient): Promise<StreamEntry[]> {
    if (isCluster(blocking)) return await readNew(blocking, this.#membership, this.#times.blockMs);
    const clientId = await blocking.client('ID');
    const unblock = () => void this.#attempt('stop', () => this.#options.redis.client('UNBLOCK', clientId));
    if (this.#stopping.signal.aborted) return [];
    this.#stopping.signal.addEventListener('abort', unblock, { once: true });
    try {
      return await readNew(blocking, this.#membership, this.#times.blockMs);
    } finally {
      this.#stopping.signal.removeEventListener('abort', unblock);
    }
  }

  /** A big entry is read in a turn of the event loop of its own: a hundred of them do not hold up everything else. */
  async #takeAll(entries: readonly StreamEntry[]): Promise<void> {
    for (const entry of entries) {
      this.#take(entry);
      if (entry.fields.some((field) => field.length > BIG_BYTES)) await nextTurn();
    }
  }

  #take(entry: StreamEntry): void {
    if (this.#inHand.has(entry.id) || this.#handler.isHandled(entry.id)) return;
    const handled = this.#handler.handle(entry).finally(() => this.#inHand.delete(entry.id));
    this.#inHand.set(entry.id, handled);
  }

  async #housekeepingLoop(): Promise<void> {
    const { forwardStream, redis, stream } = this.#options;
    const streams = forwardStream === undefined ? [stream] : [stream, forwardStream];
    while (!this.#stopping.signal.aborted) {
      await this.#attempt('housekeeping', () => this.#handler.flush());
      await this.#attempt('housekeeping', () => this.#reclaim());
      for (const each of streams) await this.#attempt('housekeeping', () => trimAcknowledged(redis, each));
      await this.#attempt('housekeeping', () => removeGone(redis, this.#membership, this.#times.goneMs));
      await this.#pause(this.#times.housekeepingMs);
    }
  }

  async #reclaim(): Promise<void> {
    for await (const entries of this.#reclaimer.claim()) {
      await this.#takeAll(entries);
      while (this.#inHand.size >= MAX_IN_HAND) await Promise.race(this.#inHand.values());
      if (this.#stopping.signal.aborted) return;
    }
  }

  /** A lost group is not reported: the read loop creates it again. */
  async #attempt(what: IntakeWork, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isGroupLost(error) && !this.#away) this.#options.observer.problem(what, error);
    }
  }

  /** Ends early when the consumer stops. */
  async #pause(ms: number): Promise<void> {
    await sleepUnless(ms, this.#stopping.signal);
  }
}
